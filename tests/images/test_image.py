"""The image of python-ml: everything its recipe declares, and nothing that helps a stranger or answers for one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox.images import build, image_tag, recipe_digest, recipe_folder
from sandbox.types import SandboxError
from tests.images.conftest import Run

SURVEY = r"""
import importlib.metadata, json, os, shutil, site, stat

setuid, writable, stale, pycs = [], [], [], 0
packages = site.getsitepackages()[0]
for folder, folders, files in os.walk("/", topdown=True):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/proc", "/sys", "/dev", "/tmp")]
    for name in files:
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o6000:
            setuid.append(path)
        if path.startswith(packages):
            if status.st_uid or status.st_gid or status.st_mode & 0o022:
                writable.append(path)
            if name.endswith(".pyc"):
                pycs += 1
                with open(path, "rb") as file:
                    if file.read(8)[4:] != b"\x01\x00\x00\x00":     # hash-based, source not looked at
                        stale.append(path)

def size(name):
    path = os.path.join(packages, "sklearn", "datasets", name)
    return os.path.exists(path)

print(json.dumps({
    "setuid": setuid, "writable": writable[:5], "stale": stale[:5], "pycs": pycs,
    "programs": [p for p in ("gcc", "cc", "ld", "make", "pip", "pip3", "git", "curl", "wget", "ssh") if shutil.which(p)],
    "data": [name for name in ("data", "images", "descr") if size(name)],
    "versions": {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions(path=[packages])},
    "sources": os.listdir("/etc/apt/sources.list.d"), "wheels": os.path.exists("/wheels"), "recipe": os.path.exists("/recipe"),
}))
"""


@pytest.fixture(scope="module")
def survey(run: Run) -> dict[str, Any]:
    code, said = run(SURVEY, cap_drop=[], user="0:0")  # root sees every folder
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    return found


def test_nothing_in_it_raises_a_privilege_or_can_be_changed(survey: dict[str, Any]) -> None:
    assert survey["setuid"] == []
    assert survey["writable"] == []


def test_no_tool_of_the_build_stays_in_it(survey: dict[str, Any]) -> None:
    assert survey["programs"] == []
    assert not {"pip", "setuptools", "wheel"} & survey["versions"].keys()
    assert (survey["sources"], survey["wheels"], survey["recipe"]) == ([], False, False)


def test_no_labelled_data_set_is_at_hand(survey: dict[str, Any], run: Run) -> None:
    assert survey["data"] == []
    code, said = run("from sklearn.datasets import load_iris; load_iris()")
    assert code == 1, said
    assert "sklearn.datasets.data" in said
    assert run("from sklearn.datasets import make_blobs; print(make_blobs(5)[0].shape)") == (0, "(5, 2)\n")


def test_it_holds_exactly_what_the_lock_says(survey: dict[str, Any]) -> None:
    lock = (recipe_folder("python-ml") / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE))
    assert {name.replace("_", "-"): version for name, version in survey["versions"].items()} == locked


def test_imports_need_no_look_at_the_sources(survey: dict[str, Any]) -> None:
    assert survey["pycs"] > 1000
    assert survey["stale"] == []


def test_every_package_imports_and_works_for_a_stranger_without_rights(run: Run) -> None:
    program = """
import flask, gymnasium, matplotlib.pyplot as plt, numpy as np, pandas as pd, scipy.stats, seaborn, sys
import numpy.testing, pandas.testing, sklearn.utils.estimator_checks
from sklearn.linear_model import LinearRegression
x = np.arange(10.0).reshape(-1, 1)
assert abs(LinearRegression().fit(x, 2 * x).coef_[0][0] - 2) < 1e-9
assert pd.Timestamp("2024-07-01", tz="Europe/Berlin").utcoffset().total_seconds() == 7200
assert gymnasium.make("CartPole-v1").reset(seed=1)[0].shape == (4,)
assert flask.Flask("app").test_client().get("/").status_code == 404
seaborn.histplot(np.arange(5.0)); plt.savefig("/tmp/x.png")
assert scipy.stats.norm.cdf(0) == 0.5
print(sys.version_info[:2], sys.executable)
"""
    code, said = run(program)
    assert code == 0, said
    assert said.splitlines()[-1] == "(3, 11) /usr/bin/python3"


def test_the_image_brings_no_settings_a_box_must_undo(engine: docker.DockerClient) -> None:
    image = engine.images.get(build.resolve("python-ml", engine))
    config = image.attrs["Config"]
    assert not config.get("Volumes")
    assert not config.get("Healthcheck")
    assert not config.get("Entrypoint")
    assert not config.get("ExposedPorts")
    assert not config.get("OnBuild")
    assert sorted(line.split("=")[0] for line in config["Env"]) == ["LANG", "PATH"]
    assert image.labels["assay.recipe"] == recipe_digest("python-ml")
    assert image.labels["assay.runtime"] == "python-ml"


def test_a_second_build_is_over_at_once(engine: docker.DockerClient, tmp_path: Path) -> None:
    begun = time.monotonic()
    built = build.Builder(engine, cache=tmp_path, registry=None, say=pytest.fail).build("python-ml")
    assert time.monotonic() - begun < 20
    assert (built.made, built.tag) == (False, image_tag("python-ml"))
    assert built.image == build.resolve("python-ml", engine)
    assert built.image.startswith("sha256:")


def test_the_smoke_test_notices_what_is_missing(engine: docker.DockerClient) -> None:
    image = build.resolve("python-ml", engine)
    build.smoke(engine, image, ["numpy"])
    with pytest.raises(SandboxError, match="torch is not installed"):
        build.smoke(engine, image, ["numpy", "torch"])
