"""Two block tags for what every page pays: lists of rows, and pieces that depend on roles alone.

Django looks every variable of every row up anew, by name, by way of a dozen calls. A template stays a template
here; only the looking up is done ahead.
"""

import html
from collections.abc import Callable, Hashable, Iterable
from operator import attrgetter
from typing import Any, cast

from django import template
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Parser,
    TextNode,
    Token,
    Variable,
    VariableNode,
    token_kwargs,
)
from django.template.defaulttags import ForNode, IfNode
from django.template.library import SimpleNode
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

Step = Callable[[Any], str]
MOST_KEPT = 512  # texts of one piece: there are as many as sets of roles, times the pages of the rail


def _shown(value: Any) -> str:
    """A value as HTML text: what `{{ }}` makes of it."""
    if type(value) is str:
        return html.escape(value)
    if isinstance(value, SafeString):
        return value
    if isinstance(value, str | int):
        return html.escape(str(value))
    raise TypeError(f"A row shows texts and whole numbers that are ready, not a {type(value).__name__}.")


def _read(expression: Any, name: str) -> str:
    """`line.title` → `title`, `line` → nothing. Raises TemplateSyntaxError for anything that is more."""
    variable = expression.var if isinstance(expression, FilterExpression) and not expression.filters else None
    lookups = (variable.lookups or ()) if isinstance(variable, Variable) and not variable.translate else ()
    if len(lookups) not in (1, 2) or lookups[0] != name:
        raise template.TemplateSyntaxError(
            f"Inside {{% rows %}} only {name} and what is ready on it can be read, not {expression}."
        )
    return lookups[1] if len(lookups) == 2 else ""


def _value(attribute: str) -> Callable[[Any], Any]:
    return attrgetter(attribute) if attribute else lambda row: row


def _constant(node: Node) -> str | None:
    """The text of a node that is the same on every row; None for others."""
    if isinstance(node, TextNode):
        return str(node.s)
    if isinstance(node, SimpleNode) and not node.takes_context and node.target_var is None:
        given = [*node.args, *node.kwargs.values()]
        if all(isinstance(each.var, str) and not each.filters for each in given):
            named = {name: each.var for name, each in node.kwargs.items()}
            return str(conditional_escape(node.func(*[each.var for each in node.args], **named)))
    return None


def _straight(pieces: list[tuple[str, str]], ending: str) -> Step:
    """One step for values in a row, each after its text: [(text, attribute)], and the text at the end."""
    if not pieces:
        return lambda row: ending
    getters = [_value(attribute) for _, attribute in pieces]
    pattern = "%s".join(text.replace("%", "%%") for text in [*(text for text, _ in pieces), ending])
    return lambda row: pattern % tuple([_shown(read(row)) for read in getters])


def _steps(nodes: Iterable[Any], name: str) -> list[Step]:
    """The nodes as functions of a row, neighbours taken together where nothing is decided between them."""
    steps: list[Step] = []
    pieces: list[tuple[str, str]] = []
    text = ""
    for node in nodes:
        constant = _constant(node)
        if constant is not None:
            text += constant
        elif isinstance(node, VariableNode):
            pieces.append((text, _read(node.filter_expression, name)))
            text = ""
        else:
            if pieces or text:
                steps.append(_straight(pieces, text))
            pieces, text = [], ""
            steps.append(_decision(node, name))
    if pieces or text:
        steps.append(_straight(pieces, text))
    return steps


def _decision(node: Node, name: str) -> Step:
    """An `if` over a value that is ready, or a `for` over a list that is."""
    if isinstance(node, IfNode):
        return _if(node, name)
    if (
        isinstance(node, ForNode)
        and len(node.loopvars) == 1
        and not node.is_reversed
        and not node.nodelist_empty
    ):
        items, steps = _value(_read(node.sequence, name)), _steps(node.nodelist_loop, node.loopvars[0])
        return lambda row: "".join([step(item) for item in items(row) for step in steps])
    raise template.TemplateSyntaxError(
        f"Inside {{% rows %}} there is text, values, if, for and tags without variables, not {node!r}."
    )


def _if(node: IfNode, name: str) -> Step:
    ways = []
    for condition, nodes in node.conditions_nodelists:
        asked = getattr(condition, "value", None)  # an `and`, an `or` and a comparison have none
        test = _value(_read(asked, name)) if condition is not None else lambda row: True
        ways.append((test, _steps(nodes, name)))

    def chosen(row: Any) -> str:
        for test, steps in ways:
            if test(row):
                return "".join([step(row) for step in steps])
        return ""

    return chosen


class RowsNode(Node):
    """See `rows`."""

    def __init__(self, name: str, sequence: FilterExpression, nodelist: NodeList) -> None:
        self.sequence = sequence
        self.steps = _steps(nodelist, name)

    def render(self, context: template.Context) -> SafeString:
        rows = self.sequence.resolve(context, ignore_failures=True) or ()
        # Texts of the template and escaped values.
        return mark_safe("".join([step(row) for row in rows for step in self.steps]))  # noqa: S308


@register.tag
def rows(parser: Parser, token: Token) -> RowsNode:
    """`{% rows line in lines %}…{% endrows %}`: a `for` that is worked out when the template is read.

    Inside: text, `{{ line.attribute }}` (escaped as ever), `if` and `for` over an attribute, tags with constant
    arguments such as icons. A row's texts are ready on it; filters, comparisons and the page's other variables
    are refused when the template is read. A missing attribute is an AttributeError, not an empty place.
    """
    bits = token.split_contents()
    if len(bits) != 4 or bits[2] != "in":
        raise template.TemplateSyntaxError("Write {% rows line in lines %}.")
    sequence = parser.compile_filter(bits[3])
    nodelist = parser.parse(("endrows",))
    parser.delete_first_token()
    return RowsNode(bits[1], sequence, nodelist)


class MadeOnceNode(Node):
    """See `made_once`."""

    child_nodelists = ()  # there is no block to look for in it, which Django does at every page

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.values = values
        self.nodelist = nodelist
        self.made: dict[tuple[Hashable, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        values = {name: expression.resolve(context) for name, expression in self.values.items()}
        key = tuple(values.values())
        made = self.made.get(key)
        if made is None:
            only = template.Context(values)  # nothing else of this page can be seen, so nothing else can stay
            with only.bind_template(cast(template.Template, context.template)):
                made = self.nodelist.render(only)
            if len(self.made) >= MOST_KEPT:
                self.made.clear()
            self.made[key] = made
        return made


@register.tag
def made_once(parser: Parser, token: Token) -> MadeOnceNode:
    """`{% made_once rail=navigation.rail %}…{% endmade_once %}`: made once for each set of the values it is given.

    Inside, those values are all there is: no patient, no user, no request, no token. They must be hashable, and
    few: roles and what follows from them, never a patient's or a person's.
    """
    given = token_kwargs(token.split_contents()[1:], parser)
    nodelist = parser.parse(("endmade_once",))
    parser.delete_first_token()
    return MadeOnceNode(given, nodelist)
