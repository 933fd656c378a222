"""What landed stays as it landed: a site that has a migration never runs it again."""

import shutil
from pathlib import Path

import pytest

from ethops.env import CLONE
from tests.architecture.landed import COMMAND, LIST, broken, digests, main, new, read, written

MIGRATION = "gpu/migrations/0002_queue.py"
SQL = "audit/sql/0003_grants.sql"
IN_A_FOLDER = "gpu/sql/0002_queue/1_jobs.sql"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in digests(CLONE):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CLONE / path, tmp_path / path)
    shutil.copy(LIST, tmp_path / LIST.name)
    return tmp_path


def added(root: Path) -> int:
    return main(root, root / LIST.name)


def test_what_was_landed_stays_as_it_was_landed() -> None:
    wrong = list(broken(digests(CLONE), read(LIST.read_text(encoding="utf-8"))))
    assert not wrong, "\n".join(wrong)


def test_what_is_new_is_in_the_list() -> None:
    missing = new(digests(CLONE), read(LIST.read_text(encoding="utf-8")))
    assert not missing, f"{', '.join(missing)} not in {LIST.name}: run `{COMMAND}`, once it is done"


def test_the_list_is_in_the_order_that_merges_well() -> None:
    text = LIST.read_text(encoding="utf-8")
    assert text == written(read(text))


@pytest.mark.parametrize("path", [MIGRATION, SQL, IN_A_FOLDER])
def test_a_comment_in_what_landed_is_a_change(
    copy: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (copy / path).open("a", encoding="utf-8") as file:
        file.write("\n")
    before = (copy / LIST.name).read_bytes()
    assert added(copy) == 1
    told = capsys.readouterr().err
    assert f"{path} was changed: what was landed stays" in told
    assert "write a new migration" in told
    assert (copy / LIST.name).read_bytes() == before


@pytest.mark.parametrize("path", [MIGRATION, SQL, IN_A_FOLDER])
def test_what_landed_does_not_vanish(
    copy: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / path).unlink()
    assert added(copy) == 1
    assert f"{path} is gone: what was landed stays" in capsys.readouterr().err


def test_a_new_file_is_missed_until_the_command_adds_it(copy: Path) -> None:
    names = {"gpu/migrations/0999_later.py", "gpu/sql/0999_later.sql", "gpu/sql/0999_more/1_a.sql"}
    for name in names:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("-- later\n", encoding="utf-8")
    before = (copy / LIST.name).read_text(encoding="utf-8")
    assert set(new(digests(copy), read(before))) == names
    assert added(copy) == 0
    after = (copy / LIST.name).read_text(encoding="utf-8")
    assert not new(digests(copy), read(after))
    assert [line for line in after.splitlines() if line.rpartition(" ")[2] not in names] == (
        before.splitlines()
    )


def test_a_new_file_in_a_folder_that_a_landed_migration_reads_whole_is_a_change(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "gpu/sql/0002_queue/9_later.sql").write_text("SELECT 1;\n", encoding="utf-8")
    assert added(copy) == 1
    assert "9_later.sql would change the migration" in capsys.readouterr().err
    assert "9_later.sql" not in (copy / LIST.name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<<<<<<< HEAD\n", r"landed\.sha256:1 is no digest"),
        (f"{'0' * 64}  a.sql\n{'1' * 64}  a.sql\n", r"two lines of a\.sql"),
    ],
)
def test_a_list_that_was_merged_badly_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read(text)
