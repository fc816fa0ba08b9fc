"""What a project registers: models, their options, themes."""
