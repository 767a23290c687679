"""One prepared site for all clients, one gunicorn for each kind of site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import Gunicorn, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("clients")).prepare()


@pytest.fixture(scope="session")
def server(site: Site) -> Iterator[Gunicorn]:
    with Gunicorn(site) as gunicorn:
        yield gunicorn


@pytest.fixture(scope="session")
def mobile_server(site: Site) -> Iterator[Gunicorn]:
    """The same site as it is set up for mobile clients."""
    with Gunicorn(Site(site.folder, SITE_IS_MOBILE="1")) as gunicorn:
        yield gunicorn
