"""Every message of this room exists in Chinese, with the same fields."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ecopark
from ecopark.storage import database
from ecopark.translation import translate

ROOM = Path(database.__file__).parent


def _messages() -> set[str]:
    found = set()
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
                found.add(ast.literal_eval(node.args[0]))
    return found


def test_every_message_has_a_chinese_translation_with_the_same_fields() -> None:
    messages = _messages()
    assert len(messages) > 100
    for message in messages:
        chinese = translate(message, "zh")
        fields = sorted(set(re.findall(r"{(\w+)}", message)))
        assert sorted(set(re.findall(r"{(\w+)}", chinese))) == fields, message
        if re.search(r"[a-z]", re.sub(r"{\w+}", "", message)):
            assert re.search(r"[\u4e00-\u9fff]", chinese), message


def test_the_rooms_messages_stand_in_its_own_file() -> None:
    catalogue = Path(ecopark.__file__).parent / "locale/zh/LC_MESSAGES/storage.po"
    text = catalogue.read_text(encoding="utf-8").replace('\\"', '"')
    for message in _messages():
        assert f'"{message}"' in text, message
