"""The whole suite: the work that users of an ORM do, over 1,000 users, 20,000 posts and their tags.

Nothing here imports more than the standard library at the top, but for the contenders, because
the process that measures the published oxyde has neither our package nor the other drivers.
"""
