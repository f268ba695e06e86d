"""Kept files are found by their hash, written once, never changed, and checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ecopark.storage.evidence import EvidenceFolder, bundle


def test_a_file_is_kept_under_its_hash(tmp_path: Path) -> None:
    source = tmp_path / "账单 2020 (final)?.xlsx"
    source.write_bytes(b"content")
    evidence = EvidenceFolder(tmp_path / "evidence")
    digest = evidence.keep(source)
    assert digest == hashlib.sha256(b"content").hexdigest()
    kept = evidence.find(digest)
    assert kept is not None
    assert kept.name == f"{digest}-账单_2020_final_.xlsx"
    assert kept.read_bytes() == b"content"
    assert evidence.files() == [kept]


def test_the_same_content_is_kept_once_and_never_written_again(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_bytes(b"same")
    second.write_bytes(b"same")
    evidence = EvidenceFolder(tmp_path / "evidence")
    kept = evidence.find(evidence.keep(first))
    assert kept is not None
    kept.chmod(0o444)
    assert evidence.keep(second) == kept.name[:64]
    assert evidence.files() == [kept]


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"same")
    evidence = EvidenceFolder(tmp_path / "evidence")
    kept = evidence.find(evidence.keep(source))
    assert kept is not None
    assert evidence.damaged() == []
    kept.write_bytes(b"other")
    assert evidence.damaged() == [kept]


@pytest.mark.parametrize("sha256", ["", "*", "../../etc", "0" * 63, "G" * 64])
def test_only_hashes_find_files(tmp_path: Path, sha256: str) -> None:
    """What a user sends as a hash must not become a pattern or a path."""
    evidence = EvidenceFolder(tmp_path)
    (tmp_path / f"{'0' * 64}-a").write_bytes(b"")
    assert evidence.find(sha256) is None


def test_a_bundle_of_the_same_files_has_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(name)
        files.append(tmp_path / name)
    first = bundle(files, tmp_path, tmp_path / "1.zip").read_bytes()
    (tmp_path / "a.csv").touch()
    assert bundle(files[::-1], tmp_path, tmp_path / "2.zip").read_bytes() == first
