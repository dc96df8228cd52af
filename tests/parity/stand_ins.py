"""Stand-ins for what the original has compiled, and for names that newer packages have.

Role: enough names that its modules can be imported; none of them does anything but the
scheduler of jobs, whose jobs a caller can wait for.
"""

import asyncio
import contextlib
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


def _newer_names():
    """Names that the packaged silver-platter and breezy have not, or have elsewhere."""
    import breezy.errors
    import breezy.transport
    import silver_platter

    silver_platter.BranchRateLimited = type("BranchRateLimited", (Exception,), {})
    for name in ("find_existing_proposed", "full_branch_url", "select_preferred_probers"):
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
    sys.modules["aiojobs"] = _module("aiojobs", Scheduler=Jobs)
    _newer_names()
