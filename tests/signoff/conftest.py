"""Keys for all tests of sign-off: made once, since those of RSA take a moment."""

from __future__ import annotations

import pytest

from tests.signoff.keys import Keys, make_keys


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))
