"""That the challenges which come with Assay name the tools of the trade, each by a tag."""

from __future__ import annotations

from challenges.keys import SKILLS
from challenges.loader import builtin_root, load_all

TOOLS = {
    "Python": {"python"},
    "R": {"r"},
    "Java": {"java"},
    "NumPy": {"numpy"},
    "pandas": {"pandas"},
    "scikit-learn": {"scikit-learn"},
    "TensorFlow": {"tensorflow"},
    "Keras": {"keras"},
    "PyTorch": {"pytorch"},
    "Matplotlib": {"matplotlib"},
    "Seaborn": {"seaborn"},
    "regression": {"regression"},
    "trees": {"decision-trees"},
    "support vector machines": {"svm"},
    "k-means": {"k-means"},
    "principal components": {"pca"},
    "reinforcement learning": {"reinforcement-learning"},
    "convolutional networks": {"cnn"},
    "recurrent networks or transformers": {"rnn", "transformer"},
    "metrics": {"metrics"},
    "cross-validation": {"cross-validation"},
    "regularisation": {"regularisation"},
    "tuning": {"tuning"},
    "Docker": {"docker"},
    "Kubernetes": {"kubernetes"},
    "Flask": {"flask"},
    "Git": {"git"},
    "monitoring": {"monitoring"},
}


def test_every_tool_is_named_by_a_challenge() -> None:
    tags = {tag for one in load_all([builtin_root()]).values() for tag in one.tags}
    assert {tool for tool, names in TOOLS.items() if not names & tags} == set()


def test_every_skill_has_a_challenge() -> None:
    assert {one.skill for one in load_all([builtin_root()]).values()} == set(SKILLS)
