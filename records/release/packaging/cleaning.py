"""Taking out of a copy what must not travel: scripts, actions, embedded files, forms. Originals stay as
they are.
"""

from __future__ import annotations

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

# What a page needs to look as it does. Everything else a page may hold (actions, links, threads,
# thumbnails, private data of programs, attached files) stays behind.
PAGE_KEYS = frozenset(
    {"/Type", "/Parent", "/Contents", "/Resources", "/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Group"}
)
# Keys of a drawn object that lead out of it: files attached, other PDFs drawn by reference, data of programs.
_DRAWN_KEYS = frozenset(
    {"/AF", "/OPI", "/Ref", "/PieceInfo", "/Metadata", "/Measure", "/PtData", "/F", "/LastModified"}
)


def flatten(source: Pdf) -> list[tuple[Object, frozenset[str]]]:
    """Draw filled fields, stamps and comments onto their pages, then drop what made them interactive.

    Returns the pages, each with its keys.
    """
    pages = [page.obj for page in source.pages]
    if any(Name.Annots in page for page in pages):
        form = source.Root.get(Name.AcroForm)
        if isinstance(form, Dictionary) and form.get(Name.NeedAppearances) == True:  # noqa: E712 - a PDF boolean
            source.generate_appearance_streams()
        source.flatten_annotations("all")
        pages = [page.obj for page in source.pages]
    flat: list[tuple[Object, frozenset[str]]] = []
    for page in pages:
        keys = frozenset(page.keys())
        for key in keys - PAGE_KEYS:
            del page[key]
        flat.append((page, keys & PAGE_KEYS))
    return flat


def clean_drawn(form: Stream) -> None:
    """Clean a drawn object and those it draws, however they nest or loop."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Object] = [form]
    while waiting:
        drawn = waiting.pop()
        if drawn.is_indirect:
            if drawn.objgen in seen:
                continue
            seen.add(drawn.objgen)
        for key in _DRAWN_KEYS.intersection(drawn.keys()):
            del drawn[key]
        resources = drawn.get(Name.Resources)
        if not isinstance(resources, Dictionary):
            continue
        for kind in (Name.XObject, Name.Pattern):
            inner = resources.get(kind)
            if isinstance(inner, Dictionary):
                waiting += [value for _, value in inner.items() if isinstance(value, Stream)]
        properties = resources.get(Name.Properties)
        if isinstance(properties, Dictionary):
            for _, value in properties.items():
                if isinstance(value, Dictionary) and Name.AF in value:
                    del value[Name.AF]


def carry_layers(source: Pdf, out: Pdf) -> None:
    """Keep layers that were switched off switched off: a hidden layer must not come to light in a copy."""
    layers = source.Root.get(Name.OCProperties)
    if not isinstance(layers, Dictionary):
        return
    groups = layers.get(Name.OCGs)
    if not isinstance(groups, Array):
        return
    shown = layers.get(Name.D)
    shown = shown if isinstance(shown, Dictionary) else Dictionary()
    on, off = _groups(shown.get(Name.ON)), _groups(shown.get(Name.OFF))
    all_off = shown.get(Name.BaseState) == Name.OFF
    if Name.OCProperties not in out.Root:
        out.Root.OCProperties = Dictionary(OCGs=Array(), D=Dictionary(OFF=Array(), Order=Array()))
    for group in groups:
        if not isinstance(group, Dictionary) or not group.is_indirect:
            continue
        copied = out.copy_foreign(group)
        out.Root.OCProperties.OCGs.append(copied)
        if group.objgen in off or (all_off and group.objgen not in on):
            out.Root.OCProperties.D.OFF.append(copied)


def _groups(value: Object | None) -> set[tuple[int, int]]:
    return {item.objgen for item in value if item.is_indirect} if isinstance(value, Array) else set()
