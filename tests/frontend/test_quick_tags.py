"""`rows` shows what Django's own `for` shows, hostile names too; `made_once` keeps nothing of anybody."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Engine, TemplateSyntaxError
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from common.templatetags import quick

ENGINE = Engine(
    libraries={"quick": "common.templatetags.quick", "chartroom": "common.templatetags.chartroom"},
    builtins=["common.templatetags.quick", "common.templatetags.chartroom"],
)


@dataclass
class Row:
    name: str
    count: int = 0
    is_marked: bool = False
    words: list[str] = field(default_factory=list)


def made(text, **values):
    return ENGINE.from_string(text).render(Context(values))


BODY = """
  <li class="100%" title="{{ row.name }}">{{ row.name }} %s %(x)s {{ row.count }}
    {% if row.is_marked %}<b>{% icon "lock" %}{{ row.name }}</b>{% elif row.count %}{{ row.count }}{% else %}none
    {% endif %}{% for word in row.words %}<i>{% icon "lock" %}{{ word }}</i>{% endfor %}
    {% if row.words %}!{% endif %}</li>
"""
QUICK = ENGINE.from_string("{% rows row in rows %}" + BODY + "{% endrows %}")
PLAIN = ENGINE.from_string("{% for row in rows %}" + BODY + "{% endfor %}")
HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "\"' onmouseover='x",
            "&amp;",
            "%s%%",
            "{{ row.name }}",
            "{% icon %}",
            "\0",
        ]
    ),
)
ROWS = st.lists(
    st.builds(
        Row, name=HOSTILE, count=st.integers(), is_marked=st.booleans(), words=st.lists(HOSTILE, max_size=3)
    ),
    max_size=4,
)


@given(ROWS)
def test_rows_shows_exactly_what_for_shows(rows):
    assert QUICK.render(Context({"rows": rows})) == PLAIN.render(Context({"rows": rows}))


def test_a_hostile_name_is_escaped():
    shown = made("{% rows row in rows %}<a title='{{ row.name }}'>{% endrows %}", rows=[Row("<b>'\"&")])
    assert shown == "<a title='&lt;b&gt;&#x27;&quot;&amp;'>"


def test_text_that_is_html_already_stays_so():
    assert made("{% rows row in rows %}{{ row.name }}{% endrows %}", rows=[Row(mark_safe("<b>"))]) == "<b>"


@pytest.mark.parametrize("rows", [None, []])
def test_no_rows_show_nothing(rows):
    assert made("{% rows row in rows %}<li>{% endrows %}", rows=rows) == ""
    assert made("{% rows row in missing %}<li>{% endrows %}") == ""


@pytest.mark.parametrize("missing", ["{{ row.nmae }}", "{% if row.nmae %}x{% endif %}"])
def test_a_misspelt_attribute_is_no_empty_place(missing):
    with pytest.raises(AttributeError):
        made(f"{{% rows row in rows %}}{missing}{{% endrows %}}", rows=[Row("a")])


@pytest.mark.parametrize("value", [None, 1.5, object()])
def test_a_value_that_is_no_text_is_refused(value):
    with pytest.raises(TypeError):
        made("{% rows row in rows %}{{ row.name }}{% endrows %}", rows=[Row(value)])


@pytest.mark.parametrize(
    "body",
    [
        "{{ patient.name }}",
        "{{ row.name|lower }}",
        "{{ row.name.upper }}",
        "{% if row.count > 1 %}x{% endif %}",
        "{% if row.count and row.name %}x{% endif %}",
        "{% if not row.count %}x{% endif %}",
        "{% if patient %}x{% endif %}",
        "{% for a, b in row.words %}x{% endfor %}",
        "{% for a in row.words %}{{ row.name }}{% endfor %}",
        "{% for a in row.words %}x{% empty %}y{% endfor %}",
        "{% icon row.name %}",
        "{% icon 'lock' as drawn %}",
        "{% include 'x.html' %}",
        "{% csrf_token %}",
        "{% with a=row.name %}{{ a }}{% endwith %}",
    ],
)
def test_what_rows_does_not_know_is_refused_when_the_template_is_read(body):
    with pytest.raises(TemplateSyntaxError):
        ENGINE.from_string("{% rows row in rows %}" + body + "{% endrows %}")


def test_rows_wants_its_own_words():
    with pytest.raises(TemplateSyntaxError, match="rows line in lines"):
        ENGINE.from_string("{% rows a, b in rows %}{% endrows %}")


PIECE = ENGINE.from_string(
    "{% made_once a=a %}[{{ a }}{{ name }}{{ csrf_token }}{{ user }}{{ request }}]{% endmade_once %}"
)


def test_a_piece_made_once_sees_only_what_it_is_given():
    for name in ("LOVELACE", "BYRON"):
        shown = PIECE.render(
            Context({"a": ("x",), "name": name, "csrf_token": "s3cret", "user": name, "request": name})
        )
        assert shown == "[(&#x27;x&#x27;,)]"


def test_a_piece_is_made_once_for_each_set_of_values():
    template = ENGINE.from_string("{% made_once a=a %}{{ a }}{% endmade_once %}")
    node = template.nodelist[0]
    for value in ("1", "2", "1", "<"):
        assert template.render(Context({"a": value})) == value.replace("<", "&lt;")
    assert sorted(node.made) == [("1",), ("2",), ("<",)]


def test_two_pieces_do_not_share():
    assert (
        made(
            "{% made_once a=a %}x{{ a }}{% endmade_once %}{% made_once a=a %}y{{ a }}{% endmade_once %}",
            a="1",
        )
        == "x1y1"
    )


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(quick, "MOST_KEPT", 3)
    template = ENGINE.from_string("{% made_once a=a %}{{ a }}{% endmade_once %}")
    for value in range(10):
        assert template.render(Context({"a": value})) == str(value)
        assert len(template.nodelist[0].made) <= 3


KNOWN = re.compile(r"idle_seconds|labels|navigation\.(?:rail|room|here|counts|new|search)")


def test_pieces_made_once_depend_on_roles_and_pages_alone():
    used = []
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        for values in re.findall(r"\{%\s*made_once\b(.*?)%\}", path.read_text(), re.S):
            for name, expression in (pair.split("=", 1) for pair in values.split()):
                used.append(expression)
                assert KNOWN.fullmatch(expression), f"{path.name}: {name}={expression}"
    assert "navigation.rail" in used
