"""Stand-ins for what the original has compiled, and for names that newer packages have.

Role: enough names that its modules can be imported; none of them does anything but the
scheduler of jobs, whose jobs a caller can wait for.
"""

import asyncio
import contextlib
import datetime
import sys
import types


def _module(name, **names):
    made = types.ModuleType(name)
    made.__dict__.update(names)
    return made


def _class(name, base=object):
    return type(name, (base,), {"__init__": lambda self, *a, **k: None})


def _nothing(*_args, **_more):
    return None


def _named(names, value):
    return dict.fromkeys(names.split(), value)


class Span:
    """A span of a trace that nobody records."""

    @contextlib.contextmanager
    def new_child(self, _name):
        yield self


class Jobs:
    """Jobs begun in the background; `wait` sees them all end."""

    def __init__(self, limit=None):
        self.begun = []

    async def spawn(self, job):
        self.begun.append(asyncio.ensure_future(job))

    async def wait(self):
        begun, self.begun = self.begun, []
        return await asyncio.gather(*begun)


def _vcs():
    managers = ("VcsManager RemoteBzrVcsManager RemoteGitVcsManager "
                "LocalBzrVcsManager LocalGitVcsManager").split()
    return _module("janitor._common.vcs",
                   BranchOpenFailure=type("BranchOpenFailure", (Exception,), {}),
                   UnsupportedVcs=type("UnsupportedVcs", (Exception,), {}),
                   **{n: _class(n) for n in managers},
                   **_named("get_local_vcs_manager get_remote_vcs_manager get_vcs_manager "
                            "get_vcs_managers open_branch_ext", _nothing))


def _artifacts():
    return _module("janitor._common.artifacts",
                   ServiceUnavailable=type("ServiceUnavailable", (Exception,), {}),
                   ArtifactsMissing=type("ArtifactsMissing", (Exception,), {}),
                   **{n: _class(n) for n in ("ArtifactManager", "GCSArtifactManager", "LocalArtifactManager")},
                   **_named("get_artifact_manager list_ids upload_backup_artifacts "
                            "store_artifacts_with_backup", _nothing))


def campaign_config(config, name):
    """The campaign of that name; KeyError without one."""
    for campaign in config.campaign:
        if campaign.name == name:
            return campaign
    raise KeyError(name)


def _config():
    return _module("janitor._common.config",
                   **{n: _class(n) for n in ("Config", "Campaign", "AptRepository")},
                   get_campaign_config=campaign_config,
                   **_named("read_config read_string get_distribution", _nothing))


def next_try_time(finish_time, attempts):
    """At once, then 2, 4, 8, ... hours after the run, a week at most."""
    hours = min(2**attempts, 168) if attempts else 0
    return finish_time + datetime.timedelta(hours=hours)


class Limiter:
    """Lets everything through; remembers the counts that it is told."""

    def set_mps_per_bucket(self, counts):
        self.counts = counts

    def check_allowed(self, _bucket):
        pass


async def rendered(_template, request, values):
    """A page is what it would show."""
    request.shown = values
    return ""


class Resolver:
    """Knows nobody's address."""

    def resolve(self, _url, _user):
        return None


def _publish():
    limited = type("RateLimited", (Exception,), {})
    return _module("janitor._publish", RateLimited=limited, RateLimiter=Limiter,
                   BucketRateLimited=type("BucketRateLimited", (limited,), {}),
                   calculate_next_try_time=next_try_time,
                   **{n: _class(n) for n in ("FixedRateLimiter", "NonRateLimiter", "SlowStartRateLimiter")},
                   **_named("branches_match get_merged_by_user_url role_branch_url", _nothing))


def _web():
    """Packages of its web side that Debian lacks."""
    def docs(*_args, **_more):
        return lambda handler: handler

    return {
        "aioredlock": _module("aioredlock", Aioredlock=object, LockError=Exception),
        "aiohttp_apispec": _module("aiohttp_apispec", setup_aiohttp_apispec=_nothing, docs=docs),
        "aiohttp_jinja2": _module("aiohttp_jinja2"),
        "aiojobs": _module("aiojobs", Scheduler=Jobs),
        "aiojobs.aiohttp": _module("aiojobs.aiohttp", setup=_nothing, spawn=_nothing),
        "janitor._site": _module("janitor._site", **_named("find_build_log_failure find_dist_log_failure", _nothing)),
    }


def _newer_names():
    """Names that the packaged silver-platter and breezy have not, or have elsewhere."""
    import breezy.errors
    import breezy.transport
    import silver_platter

    for name in ("BranchMissing", "BranchRateLimited", "BranchUnavailable"):
        setattr(silver_platter, name, type(name, (Exception,), {}))
    for name in ("_open_branch", "find_existing_proposed", "full_branch_url", "select_preferred_probers"):
        if not hasattr(silver_platter, name):
            setattr(silver_platter, name, _nothing)
    for name in ("UnsupportedProtocol", "UnusableRedirect"):
        if not hasattr(breezy.transport, name):
            setattr(breezy.transport, name, getattr(breezy.errors, name, Exception))


def register():
    """Once, before the first import of the original."""
    debdiff = _named("debdiff_is_empty filter_boring section_is_wdiff markdownify_debdiff "
                     "htmlize_debdiff run_debdiff", _nothing)
    common = _module("janitor._common", vcs=_vcs(), config=_config(), artifacts=_artifacts(),
                     logs=_module("janitor._common.logs"),
                     debdiff=_module("janitor._common.debdiff", DebdiffError=Exception, **debdiff),
                     get_branch_vcs_type=lambda _: "git", is_alioth_url=lambda _: False,
                     is_authenticated_url=lambda _: False)
    sys.modules["janitor._common"] = common
    sys.modules["janitor._launchpad"] = _module(
        "janitor._launchpad", override_launchpad_consumer_name=_nothing)
    sys.modules["janitor._runner"] = _module(
        "janitor._runner", committer_env=lambda _: {}, is_log_filename=lambda n: n.endswith(".log"))
    sys.modules["janitor._publish"] = _publish()
    sys.modules.update(_web())
    _newer_names()
