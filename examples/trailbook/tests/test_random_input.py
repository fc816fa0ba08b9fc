"""Random requests against the OpenAPI document, over real HTTP: nothing is a 500."""

from __future__ import annotations

import re

import httpx
import pytest
import schemathesis
import servers
from hypothesis import HealthCheck, Phase, given, settings
from served import served

from conftest import SERVERS

EXAMPLES = 15


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.filterwarnings("ignore")  # what schemathesis uses is its own affair
def test_random_input_gives_no_500(server: str) -> None:
    with (
        servers.fresh_database(server) as found,
        served(found.url, ["-m", "trailbook", "--setup"], "/regions") as (base, output),
    ):
        email, password = re.findall(r"log in as (\S+) with (\S+)", output.read_text())[0]
        login = httpx.post(f"{base}/accounts/login", json={"email": email, "password": password})
        headers = {"Authorization": f"Bearer {login.json()['token']}"}
        operations = [
            found.ok() for found in schemathesis.openapi.from_url(f"{base}/openapi.json").get_all_operations()
        ]
        assert len(operations) >= 40
        # A member whose password is changed is logged out; what may do that comes last.
        operations.sort(key=lambda operation: operation.path.startswith(("/members", "/accounts")))
        tried = [_try(operation, headers) for operation in operations]
        assert sum(tried) > len(operations)
        assert "Traceback" not in output.read_text()


def _try(operation: schemathesis.APIOperation, headers: dict[str, str]) -> int:
    """Sends random requests of one operation; how many."""
    sent = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: schemathesis.Case) -> None:
        nonlocal sent
        sent += 1
        answer = case.call(headers=headers)
        assert answer.status_code < 500, f"{case.method} {case.path}: {answer.status_code} {answer.text}"
        if answer.status_code >= 400:
            assert set(answer.json()) == {"detail", "code"}, answer.text

    send()
    return sent
