"""What can be wrong with an address, and the answer that each mistake must have.

A ``Mistake`` is planted into a draft that is valid but for it, among any other parts, so that the answer
can only be that of the mistake: the codes of ``__ERROR`` in their order, and the status of the last one.
What they must be is taken from the specification (``responses.md`` 12, ``server-facts.md`` 18)
and, where that is silent, from ``docs/errors.md``; nothing here comes from ``fourd_rest``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .datasets import COMPUTED
from .fuzzing import MARK
from .valid import DESCRIBED, KEYS, KINDS, READABLE, SET_ROOTS, SHAPES, Draft, Drafts, names_of

# The status of an answer that ends with an error of this code: everything that a read may answer.
STATUS = {
    **dict.fromkeys((1112, 1200, 1201, 1278, 1279, 1280, 1500, 1574), 500),
    **dict.fromkeys((1557, 1611), 401),
    **dict.fromkeys((1541, 1543, 1800, 1802, 1803, 1804, 1805, 1810), 404),
    **dict.fromkeys((1801, 1806, 1808, 1809, 1811, 1812, 1813, 1824), 400),
    **dict.fromkeys((1815, 1816, 1817, 1818, 1819, 1820), 500),
    **{9012: 405, 9014: 501, 9022: 400, 9023: 429, 9024: 400, 9025: 413},
}

Plant: TypeAlias = Callable[[Draft, Drafts], None]

PAGES = ("page", "set")
SHOWN = (*PAGES, "entity")
FILTERED = (*PAGES, "figure", "related")
ALL = (*SHOWN, "figure", "related")


def texts(listed: str) -> tuple[str, ...]:
    """Texts with two spaces, or the end of a line, between them."""
    return tuple(re.split(r"\s{2,}", listed.strip()))


# Names that no dataclass has as attributes, whatever its model has.
UNKNOWN_NAMES = (
    *("nothing", "pk", "objects", "_state", "owner_id", "name__contains", "Name", "delete", "__STAMP"),
    *("é", "id2", "full_name", "first_name", "salary__gt", "null"),
)
# Attributes that are there but not for the reader, each with a name that is not there; messages tell
# positions, so they are of one length.
SECRETS = (("password", "pasxword"), ("api_key", "apx_key"), ("otp", "otx"))
HIDDEN_NAMES = {
    "Account": SECRETS,
    "User": SECRETS,
    "Animal": (("home", "hoxe"), ("passport", "passpoxt"), ("report", "repoxt"), ("high", "hixh")),
}
HIDDEN_DATACLASSES = (("Place", "Plaxe"), ("Passport", "Passpoxt"), ("Singer", "Sinxer"))


@dataclass(frozen=True)
class Mistake:
    """``plant`` makes it in a draft of one of ``shapes``, and raises ``LookupError`` where it cannot.

    ``of`` are the dataclasses that it needs, ``settings`` those of ``FOURD_REST`` under which it is one.
    """

    name: str
    codes: tuple[int, ...]
    plant: Plant
    shapes: tuple[str, ...]
    of: tuple[str, ...] = ("",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    who: str = "reader"


NO_MISTAKE = Mistake("none", (), lambda draft, drafts: None, SHAPES)
MISTAKES: list[Mistake] = []


def mistake(*codes: int, on: tuple[str, ...], **options: Any) -> Callable[[Plant], Plant]:
    def listed(plant: Plant) -> Plant:
        MISTAKES.append(Mistake(plant.__name__, codes, plant, on, **options))
        return plant

    return listed


def planted(drafts: Drafts, mistake: Mistake) -> Draft:
    """A draft with ``mistake`` in it, and no other."""
    while True:
        draft = drafts.draft(drafts.pick(mistake.shapes), drafts.pick(mistake.of))
        try:
            mistake.plant(draft, drafts)
        except LookupError:
            continue
        return draft


# In a filter: criteria of which each is wrong. «any», «number» … stand for an attribute of that type,
# «unknown» for a name that is none.

CRITERIA = {
    1112: texts(
        """
        «text» matches x  «text» =% x  «text» %* x  «text» !=% x  «any» <> 1  «any» => 1  «any» =# 1
        «any» equals 1  «text» contains x  «text» starts with x  «any» notin [1]  «any» ==== 1
        """
    ),
    1201: texts(
        """
        «any» =  «any» in  = 1  «any» 1  «any» = [1,2]  «number» in (1,2)  ()  («any» = 1  «any» = 1)
        not  «any» = 1 and  or «any» = 1  «any» = 1 or or «any» = 2  «text» = 'x' y  «any» = :
        «number» in [1,2  «number» in [1 2] 3  «many»{0} = 1  «bool» & «any» = (1  «object».a[ab] = 1
        «object».a[].b[].c[].d[].e = 1  «any»..x = 1  «number»  not «text»  «one»  «object».score  «file»
        """
    ),
    1278: texts("eval(«any» = 1)  EVAL (This.x = 1)  eval(1)"),
    1500: texts(
        """
        «unknown» = 1  «unknown» in [1]  «unknown»  not «unknown» begin x  «unknown»[] = 1  «any».x = 1
        «one».«unknown» = 1  «many».«unknown» != 1  «unknown».«any» = null  «many»{2}.«unknown» % x
        «unknown».x.y = 1  «computed».x = 1
        """
    ),
    1574: texts(
        """
        «number» begin 2  «number» begin x  «number» % 2  «date» begin 2  «date» % x  «moment» begin x
        «bool» < true  «bool» >= 1  «bool» begin true  «bool» % true  «uuid» begin 0  «number» % null
        «doubleSalary» begin 2  «doubleSalary» % 2  «one» > 1  «one» begin 1  «one» % 1  «many» < 1
        «many» begin x  «file» = x  «file» > null  «file» in [1]  «file» begin x
        """
    ),
}


def _criteria(code: int) -> Plant:
    def plant(draft: Draft, drafts: Drafts) -> None:
        add_criterion(draft, drafts, filled(drafts.pick(CRITERIA[code]), draft.selected, drafts))

    plant.__name__ = f"criterion_{code}"
    return plant


for _code in CRITERIA:
    mistake(_code, on=FILTERED)(_criteria(_code))


def filled(text: str, dataclass: str, drafts: Drafts, over: str = "relation") -> str:
    """``text`` with attributes of ``dataclass`` for what stands in guillemets; see ``Drafts.path``."""

    def attribute(found: re.Match[str]) -> str:
        if found[1] == "unknown":
            return str(drafts.pick(UNKNOWN_NAMES))
        return drafts.path(dataclass, found[1], over)[0]

    return re.sub("«([A-Za-z]+)»", attribute, text)


def add_criterion(draft: Draft, drafts: Drafts, text: str) -> None:
    """Put ``text`` somewhere into the filter, alone or in parentheses."""
    text = drafts.pick(("{}", "{}", "{}", "({})", "not ({})", "(({}))")).format(text)
    draft.criteria.insert(drafts.pick(range(len(draft.criteria) + 1)), text)


@mistake(1201, on=FILTERED)
def unfinished_filter(draft: Draft, drafts: Drafts) -> None:
    draft.order, draft.is_filter_last = "", True
    tail = drafts.pick(texts("«any» = 'x  «any» = \\u0022x  «any» in ['x, 1]  «any» = 1 order by"))
    draft.criteria.append(filled(tail, draft.selected, drafts))


@mistake(1201, on=FILTERED)
def order_in_a_filter_that_cannot_be_read(draft: Draft, drafts: Drafts) -> None:
    draft.criteria = draft.criteria or [filled("«any» != null", draft.selected, drafts)]
    draft.order = filled(f" order by {drafts.pick(UNREADABLE_ORDERS)}", draft.selected, drafts)


@mistake(1279, on=FILTERED)
def placeholder_without_a_value(draft: Draft, drafts: Drafts) -> None:
    placeholder = drafts.pick((":99", ":nobody", ":0", ":129", ":v1.x", ":a.b", None))
    placeholder = placeholder or draft.spelling.placeholder(None)
    text = drafts.pick(texts("«any» = {}  «number» in {}  {} = 1  {}  not («any» > {})"))
    add_criterion(draft, drafts, filled(text, draft.selected, drafts).format(placeholder))


@mistake(1280, on=FILTERED)
def placeholder_of_a_wrong_type(draft: Draft, drafts: Drafts) -> None:
    text, value = drafts.pick(
        (
            *(("«any» = {}", {}), ("«any» = {}", [1]), ("«any» in {}", [[1]]), ("«any» > {}", {"a": 1})),
            *(("«number» = {}", True), ("«number» < {}", "lots"), ("«bool» = {}", 1), ("{} = 1", 5)),
            *(("«bool» = {}", "yes"), ("«date» = {}", "soon"), ("«date» > {}", 5), ("«uuid» = {}", 1)),
            *(("«one» = {}", "x"), ("«many» in {}", ["x"]), ("«number» in {}", [1, True]), ("{}", [1])),
            *(("«object».score = {}", {"a": 1}), ("«moment» < {}", False), ("«duration» = {}", "long")),
        )
    )
    text = filled(text, draft.selected, drafts)
    add_criterion(draft, drafts, text.format(draft.spelling.placeholder(value)))


@mistake(1280, on=FILTERED)
def constant_that_fits_no_value(draft: Draft, drafts: Drafts) -> None:
    """Written out, with any comparator that the type takes, and as one of a list (D-46)."""
    type_, value = drafts.pick(
        (
            *(("number", "lots"), ("number", "true"), ("number", "'x'"), ("text", "true")),
            *(("date", "31.12.2024"), ("date", "soon"), ("moment", "noon"), ("moment", "false")),
            *(("bool", "1"), ("bool", "yes"), ("uuid", "x"), ("one", "x"), ("many", "'x'")),
        )
    )
    comparators = texts("=  !=  ===  !==  is  is not")
    if type_ not in ("bool", "uuid", "one", "many"):
        comparators += texts("<  <=  >  >=")
    written = f"{drafts.pick(comparators)} {value}"
    if drafts.chance(30):
        written = drafts.pick(texts(f"in [{value}]  in [null, {value}]"))
    add_criterion(draft, drafts, filled(f"«{type_}» {written}", draft.selected, drafts))


@mistake(1806, on=FILTERED)
def params_that_cannot_be_read(draft: Draft, drafts: Drafts) -> None:
    text = filled("«any» = {}", draft.selected, drafts)
    add_criterion(draft, drafts, text.format(draft.spelling.placeholder(1)))
    draft.params["$params"] = drafts.pick(("dune", "[", "5", "[1,", "{a:}", "[1] [2]", "null", "[1e999"))


@mistake(9022, on=FILTERED)
def path_that_is_too_long(draft: Draft, drafts: Drafts) -> None:
    manager = filled("«manager».", draft.selected, drafts, over="")
    add_criterion(draft, drafts, manager * drafts.pick((10, 20, 31)) + "ID = 1")


def _limited(limit: str, value: int, criteria: str) -> None:
    @mistake(9022, on=FILTERED, settings={limit: value})
    def beyond_a_limit(draft: Draft, drafts: Drafts) -> None:
        add_criterion(draft, drafts, filled(drafts.pick(texts(criteria)), draft.selected, drafts))


_limited("MAX_FILTER_LENGTH", 40, f"«text» = {'x' * 40}  «any» in [{'1,' * 20}1]")
_limited("MAX_FILTER_DEPTH", 2, "(((«any» = 1)))  not not not «any» = 1  !(«any» = 1|(!(«any» = 1)))")
_limited("MAX_FILTER_CRITERIA", 1, "«any» = 1 and «any» = 2  «any» != null|«any» = 1 & «any» = 2")
_limited("MAX_IN_VALUES", 2, "«any» in [1,2,3]  not («text» in ['a', b, null])")


@mistake(9022, on=FILTERED)
def too_much_in_a_filter(draft: Draft, drafts: Drafts) -> None:
    one = filled("«any» = null", draft.selected, drafts)
    deep = "(" * 33 + one + ")" * 33
    add_criterion(draft, drafts, drafts.pick((deep, " or ".join([one] * 201), "not " * 33 + one)))


@mistake(9022, on=FILTERED, settings={"MAX_IN_VALUES": 2})
def too_many_values_for_a_placeholder(draft: Draft, drafts: Drafts) -> None:
    text = filled("«text» in {}", draft.selected, drafts)
    add_criterion(draft, drafts, text.format(draft.spelling.placeholder(["a", "b", "c"])))


@mistake(1200, on=FILTERED, settings={"MAX_SCANNED_ENTITIES": 1})
def too_much_to_look_at(draft: Draft, drafts: Drafts) -> None:
    listed = texts("«computed» = 1  «fullName» begin x  «object».score % x  «computed» != null")
    add_criterion(draft, drafts, filled(drafts.pick(listed), draft.selected, drafts))


@mistake(1200, on=("page",), settings={"MAX_SCANNED_ENTITIES": 1}, of=("Employee",))
def too_much_to_sort_or_to_count(draft: Draft, drafts: Drafts) -> None:
    take_all(draft)
    name = drafts.pick(COMPUTED)
    draft.params |= drafts.pick(
        (
            {"$orderby": f"{name} desc"},
            {"$compute": "max", "$attributes": name},
            {"$distinct": "true", "$attributes": name},
            {"$compute": "$all", "$attributes": f"ID,{name}"},
        )
    )


def take_all(draft: Draft) -> None:
    """Let the address select every entity."""
    draft.key, draft.criteria, draft.order, draft.names = "", [], "", []
    for name in ("$orderby", "$attributes", "$top", "$limit", "$skip"):
        draft.params.pop(name, None)


# In an order


UNREADABLE_ORDERS = texts(
    """
    «any» descending  «any»,  ,«any»  «any»,,«any»  «any» asc desc  «any» > 1  «any» «any»  («any»)
    «any».  «any» desc asc, «any»  eval(«any»)  :1  desc desc desc
    """
)
UNSORTABLE = texts(
    """
    «many»  «file»  «object».a[].b  «staff».ID  «team».lastName desc  «keepers».name  «manager».fullName
    «team».fullName  «doctor».patients
    """
)


def add_order(draft: Draft, drafts: Drafts, text: str) -> None:
    """Put ``text`` somewhere into the order, wherever that stands."""
    own = draft.params.pop("$subOrderby", draft.params.pop("$orderby", ""))
    items = [item for item in (*own.split(", "), text) if item]
    draft.order = ""
    listed = ",".join(items if drafts.chance(50) else items[::-1])
    places = ["$orderby"] + ["$subOrderby"] * (draft.shape == "related")
    if draft.criteria and drafts.chance(25):
        draft.order = f" order by {listed}"
    else:
        draft.params[drafts.pick(places)] = listed


@mistake(1500, 1810, on=FILTERED)
def unknown_attribute_in_an_order(draft: Draft, drafts: Drafts) -> None:
    listed = texts("«unknown»  «unknown» desc  «one».«unknown»  «any».x  «unknown».«any»  «one»[].x")
    add_order(draft, drafts, filled(drafts.pick(listed), draft.selected, drafts))


@mistake(1810, on=FILTERED)
def order_that_cannot_be_read(draft: Draft, drafts: Drafts) -> None:
    draft.params.pop("$subOrderby", None)
    draft.order = ""
    draft.params["$orderby"] = filled(drafts.pick(UNREADABLE_ORDERS), draft.selected, drafts)


@mistake(1810, on=FILTERED)
def order_by_what_cannot_be_sorted(draft: Draft, drafts: Drafts) -> None:
    add_order(draft, drafts, filled(drafts.pick(UNSORTABLE), draft.selected, drafts))


@mistake(9022, on=FILTERED)
def order_by_too_much(draft: Draft, drafts: Drafts) -> None:
    name = filled(drafts.pick(("«number»", "«object»")), draft.selected, drafts, over="")
    is_object = KINDS[draft.selected][name].type == "object"
    names = [f"{name}.p{at}" for at in range(21)] if is_object else [name] * 61
    add_order(draft, drafts, ",".join(names))


# In lists of attributes


def add_item(draft: Draft, drafts: Drafts, item: str) -> None:
    """Put ``item`` somewhere into the list of attributes, wherever that stands."""
    listed = draft.params.pop("$attributes", "")
    items = [] if draft.shape == "related" else draft.names
    items = items or [name for name in listed.split(",") if name]
    items.insert(drafts.pick(range(len(items) + 1)), item)
    if draft.shape == "related" or drafts.chance(50):
        draft.params["$attributes"] = ",".join(items)
        draft.names = draft.names if draft.shape == "related" else []
    else:
        draft.names = items


@mistake(1500, 1804, on=ALL)
def unknown_attribute_in_a_list(draft: Draft, drafts: Drafts) -> None:
    listed = texts("«unknown»  «one».«unknown»  «many».«unknown»  «any».x  «unknown».*  «file».*")
    add_item(draft, drafts, filled(drafts.pick(listed), draft.selected, drafts))


@mistake(1557, on=SHOWN, of=("Company",))
def list_that_walks_where_the_reader_may_not(draft: Draft, drafts: Drafts) -> None:
    item = drafts.pick(("invoices.ID", "invoices.*", "staff.employer.invoices.date"))
    if drafts.chance(50):
        add_item(draft, drafts, item)
    else:
        add_expanded(draft, drafts, item.rpartition(".")[0])


@mistake(9024, on=SHOWN)
def list_that_nests_too_deep(draft: Draft, drafts: Drafts) -> None:
    objects = names_of(draft.selected, "object")
    if objects and drafts.chance(50):
        add_item(draft, drafts, f"{drafts.pick(objects)}{'.a' * 65}")
        return
    walk = ".".join(walked(draft.selected, drafts, 6))
    if drafts.chance(50):
        add_expanded(draft, drafts, walk)
    else:
        add_item(draft, drafts, f"{walk}.*")


def walked(dataclass: str, drafts: Drafts, count: int) -> list[str]:
    """The names of so many relations, one behind the other."""
    names = []
    for _ in range(count):
        names.append(drafts.pick(names_of(dataclass, "relation")))
        dataclass = KINDS[dataclass][names[-1]].target
    return names


def add_expanded(draft: Draft, drafts: Drafts, item: str) -> None:
    items = [name for name in draft.params.get("$expand", "").split(",") if name]
    items.insert(drafts.pick(range(len(items) + 1)), item)
    draft.params["$expand"] = ",".join(items)


@mistake(1500, 1805, on=SHOWN)
def unknown_relation_to_expand(draft: Draft, drafts: Drafts) -> None:
    listed = texts("«unknown»  «one».«unknown»  «many».«unknown»  «any».x  «unknown».*  «unknown»:2")
    add_expanded(draft, drafts, filled(drafts.pick(listed), draft.selected, drafts))


@mistake(1500, 1805, on=("related",))
def unknown_relation_to_keep(draft: Draft, drafts: Drafts) -> None:
    draft.names = []
    draft.params["$expand"] = drafts.pick(UNKNOWN_NAMES)


@mistake(9022, on=SHOWN, of=("Employee", "Company"))
def too_many_relations_to_expand(draft: Draft, drafts: Drafts) -> None:
    draft.params["$expand"] = ",".join(every_walk(draft.selected, 5)[:120])


def every_walk(dataclass: str, depth: int) -> list[str]:
    """The paths over at most so many relations."""
    walks = []
    for name in names_of(dataclass, "relation") if depth else ():
        further = every_walk(KINDS[dataclass][name].target, depth - 1)
        walks += [name, *(f"{name}.{walk}" for walk in further)]
    return walks


@mistake(9022, on=("figure",))
def too_many_figures(draft: Draft, drafts: Drafts) -> None:
    name = filled("«object»", draft.selected, drafts)
    draft.names, draft.params["$attributes"] = [], ",".join(f"{name}.p{at}" for at in range(201))
    if draft.params.get("$compute") == "count":
        draft.params["$compute"] = "$all"


@mistake(9025, on=("page", "entity"), of=("Company", "Animal"), settings={"MAX_NESTED_ENTITIES": 1})
def too_many_nested_entities(draft: Draft, drafts: Drafts) -> None:
    relation = {"Company": "staff", "Animal": "keepers"}[draft.dataclass]
    rows = [row for row in drafts.rows[draft.dataclass] if len(row[relation]) > 1]
    key = drafts.pick(rows)[KEYS[draft.dataclass]]
    take_all(draft)
    draft.key = f"({key})" if draft.shape == "entity" else f"({key},{key})"
    for name in ("$asArray", "$format", "$expand"):
        draft.params.pop(name, None)
    draft.params |= drafts.pick(({"$expand": relation}, {"$attributes": f"{relation}.*"}))


@mistake(9025, on=("page",), settings={"MAX_ENTITY_SET_SIZE": 1})
def entity_set_that_is_too_large(draft: Draft, drafts: Drafts) -> None:
    take_all(draft)
    draft.params["$method"] = "entityset"


# In figures


@mistake(1816, on=("figure",))
def figure_of_nothing(draft: Draft, drafts: Drafts) -> None:
    draft.names = []
    draft.params.pop("$attributes", None)
    if draft.params.get("$compute") == "count":
        draft.params["$compute"] = "sum"
    if drafts.chance(20):
        draft.params["$attributes"] = drafts.pick(("", ",", " , "))


@mistake(1817, on=("figure",))
def compute_action_that_there_is_not(draft: Draft, drafts: Drafts) -> None:
    draft.params["$compute"] = drafts.pick(texts("median  $sum  sum,min  avg  first  *  $count  1"))


@mistake(1574, on=("figure",))
def figure_of_a_wrong_type(draft: Draft, drafts: Drafts) -> None:
    for name in ("$distinct", "$compute", "$attributes"):
        draft.params.pop(name, None)
    action, _, text = drafts.pick(
        texts(
            """
            sum «text»  average «date»  sum «bool»  min «one»  max «many»  min «file»  $all «object»
            count «object»  average «uuid»  sum «moment»  $all «any»,«file»  min «staff».ID
            count «keepers».name  distinct «file»  distinct «object»  distinct «team».salary
            """
        )
    ).partition(" ")
    draft.params |= {"$distinct": "true"} if action == "distinct" else {"$compute": action}
    draft.names = filled(text, draft.selected, drafts).split(",")


# Keys, sets and dataclasses


@mistake(1541, on=("entity", "related"))
def key_that_can_be_none(draft: Draft, drafts: Drafts) -> None:
    draft.key = drafts.pick(
        texts(f"(abc)  ('x y')  (1.5)  (1&2)  ({10**20})  [null]  (\"\")  (true)  (1e3)  ['-']")
    )


@mistake(1541, on=("set",))
def key_that_can_be_no_member(draft: Draft, drafts: Drafts) -> None:
    draft.set_id = drafts.pick(drafts.sets[draft.dataclass])
    draft.params["$addToSet"] = drafts.pick(("[abc]", "x", "[1.5]", "[[1]]", "1,x", "[null]"))


@mistake(1543, on=("entity", "related"))
def entity_that_is_not_there(draft: Draft, drafts: Drafts) -> None:
    keys = [999_999, 0, -1, 2**31 - 1]
    if draft.dataclass in SET_ROOTS:
        keys += drafts.hidden(draft.dataclass) * 2
    key = drafts.pick(keys)
    written = [f"({key})", f"['{key}']", f'("{key}")']
    if draft.shape == "entity":
        written.append(f":{KEYS[draft.dataclass]}({key})")
    draft.key = drafts.pick(written)


@mistake(1543, on=("entity",))
def value_that_no_entity_has(draft: Draft, drafts: Drafts) -> None:
    listed = texts("«text»(no such)  «text»('@')  «number»[424242]  «uuid»(x)  «date»(1999-12-31)")
    draft.key = ":" + filled(drafts.pick(listed), draft.dataclass, drafts, over="")


@mistake(1500, 1804, on=("entity",))
def unknown_attribute_to_find_by(draft: Draft, drafts: Drafts) -> None:
    draft.key = f":{drafts.pick(UNKNOWN_NAMES)}" + drafts.pick(("(1)", "[x]", "('y')"))


@mistake(1800, on=ALL)
def unknown_dataclass(draft: Draft, drafts: Drafts) -> None:
    draft.dataclass = drafts.pick(
        ("Nowhere", draft.dataclass.lower(), f"{draft.dataclass}s", "__DeletedRecords", "é", "Em ployee")
    )


@mistake(1800, on=("other",))
def unknown_dataclass_in_the_catalog(draft: Draft, drafts: Drafts) -> None:
    names = [*READABLE[: drafts.pick((0, 1, 2))], drafts.pick(("Nowhere", "employee", "Place", ""))]
    draft.path, draft.params = f"$catalog/{','.join(names)},", {}


@mistake(1557, on=("page", "entity", "figure"), of=(DESCRIBED,))
def dataclass_that_may_not_be_read(draft: Draft, drafts: Drafts) -> None:
    pass


@mistake(1557, on=ALL, who="guest")
def guest_without_any_right(draft: Draft, drafts: Drafts) -> None:
    if drafts.chance(30):
        draft.dataclass = "Nowhere"


@mistake(1611, on=("other",), who="guest")
def guest_who_asks_for_information(draft: Draft, drafts: Drafts) -> None:
    draft.path, draft.params = "$info" + drafts.pick(("", "/entitySet", "/nothing", "/x/y")), {}


@mistake(1802, on=("set",))
def set_that_is_not_there(draft: Draft, drafts: Drafts) -> None:
    foreign = drafts.sets["another"][0]
    draft.set_id = drafts.pick(("0" * 32, "F" * 31 + "0", "x", "$all", "1" * 33, foreign, foreign))


@mistake(1500, on=("set",))
def text_that_makes_no_set_anew(draft: Draft, drafts: Drafts) -> None:
    draft.set_id = drafts.new_id()
    text = drafts.pick(("«unknown» = 1", "«any» != null and «one».«unknown» = 1"))
    draft.params["$savedfilter"] = filled(text, draft.dataclass, drafts)


@mistake(1500, 1810, on=("set",))
def order_that_makes_no_set_anew(draft: Draft, drafts: Drafts) -> None:
    draft.set_id = drafts.new_id()
    draft.params["$savedorderby"] = filled("«unknown» desc", draft.dataclass, drafts)


@mistake(1803, on=("set",))
def set_of_another_dataclass(draft: Draft, drafts: Drafts) -> None:
    other = drafts.pick([name for name in SET_ROOTS if name != draft.dataclass])
    other_id = drafts.pick(drafts.sets[other])
    if drafts.chance(50):
        draft.set_id = other_id
    else:
        draft.params |= {"$logicOperator": "and", "$otherCollection": other_id}


@mistake(1818, on=("set",))
def logical_operator_that_there_is_not(draft: Draft, drafts: Drafts) -> None:
    draft.params["$logicOperator"] = drafts.pick(("xor", "not", "and or", "&", "union", "1"))
    draft.params["$otherCollection"] = drafts.pick(drafts.sets[draft.dataclass])


@mistake(1819, on=("set",))
def logical_operator_without_another_set(draft: Draft, drafts: Drafts) -> None:
    draft.params["$logicOperator"] = drafts.pick(("AND", "or", "Except", "INTERSECT"))
    draft.params.pop("$otherCollection", None)


@mistake(1820, on=("set",))
def logical_operator_with_an_unknown_set(draft: Draft, drafts: Drafts) -> None:
    draft.params["$logicOperator"] = drafts.pick(("and", "OR", "intersect"))
    draft.params["$otherCollection"] = drafts.pick(
        ("0" * 32, "x", "/rest/Employee/$entityset/x", "Employee", drafts.sets["another"][0])
    )


@mistake(1815, on=("page", "entity"))
def set_of_no_relation_to_many(draft: Draft, drafts: Drafts) -> None:
    draft.params["$method"] = "subentityset"
    if draft.shape == "entity":
        draft.names = []
        draft.params.pop("$expand", None)
        if text := drafts.pick(("", "«one»", "«any»", "«file»", "«object»")):
            draft.params["$expand"] = filled(text, draft.dataclass, drafts, over="")


@mistake(9023, on=("page",), settings={"MAX_ENTITY_SETS_PER_OWNER": 1})
def one_set_too_many(draft: Draft, drafts: Drafts) -> None:
    draft.params["$method"] = "entityset"


@mistake(9023, on=("related",), settings={"MAX_ENTITY_SET_MEMBERS_PER_OWNER": 1})
def one_member_too_many(draft: Draft, drafts: Drafts) -> None:
    pass


# Forms, methods, verbs, keywords


@mistake(1801, on=PAGES)
def format_that_there_is_not(draft: Draft, drafts: Drafts) -> None:
    draft.params["$format"] = drafts.pick(("xml", "ado.net", "csv", "json,looker", "1"))


@mistake(1824, on=("other",))
def image_format_that_there_is_not(draft: Draft, drafts: Drafts) -> None:
    draft.path = f"Employee{drafts.key('Employee')}/photo"
    draft.params = {"$imageformat": drafts.pick(("bogus", "image/x", "pngs", "1", "json"))}


@mistake(1812, on=ALL)
def method_that_there_is_not(draft: Draft, drafts: Drafts) -> None:
    draft.params["$method"] = drafts.pick(("frobnicate", "entitysets", "get", "$all", "entity set", "1"))


@mistake(1813, on=SHOWN)
def method_that_is_for_something_else(draft: Draft, drafts: Drafts) -> None:
    methods = {"page": ("release",), "set": (), "entity": ("entityset", "EntitySet", "release")}
    choices = (*methods[draft.shape], "update", "validate", "delete", "DELETE")
    draft.params["$method"] = drafts.pick(choices)


@mistake(9014, on=SHOWN)
def what_is_not_supported(draft: Draft, drafts: Drafts) -> None:
    name, value = drafts.pick(
        (
            *(("$lock", "true"), ("$emMethod", "f"), ("$extendedAttributes", "true")),
            *(("$method", "refresh"), ("$method", "retrieve"), ("$method", "FLUSH")),
        )
    )
    draft.params[name] = value


@mistake(9014, on=("other",))
def resource_that_is_not_supported(draft: Draft, drafts: Drafts) -> None:
    draft.params = {}
    draft.path = drafts.pick(
        ("$directory/currentUser", "$directory/login", "$singleton/A/f", "$transaction/$start")
        + ("$getWebForm", "$info/sessionInfo/release/x")
    )


@mistake(9012, on=(*ALL, "other"))
def verb_that_is_never_allowed(draft: Draft, drafts: Drafts) -> None:
    draft.verb = drafts.pick(("PATCH", "OPTIONS", "TRACE", "PURGE"))


@mistake(9012, on=("other",))
def verb_that_is_not_allowed_here(draft: Draft, drafts: Drafts) -> None:
    draft.params = {}
    draft.verb, draft.path = drafts.pick(
        (
            *(("POST", ""), ("PUT", ""), ("DELETE", "$catalog"), ("PUT", "$info"), ("GET", "$upload")),
            *(("DELETE", "$upload"), ("GET", "$entityset/$release"), ("PUT", "$catalog/$all")),
        )
    )


@mistake(1811, on=("other",))
def unknown_keyword_in_a_write(draft: Draft, drafts: Drafts) -> None:
    draft.path, draft.params = f"{DESCRIBED}{drafts.key(DESCRIBED)}", {}
    draft.verb, method = drafts.pick((("DELETE", ""), ("POST", "delete"), ("PUT", "delete")))
    if method:
        draft.params["$method"] = method
    draft.params[drafts.pick(("$unknown", "$top", "$orderby", "$é", "$", "$attributes"))] = "1"


# In the address itself


@mistake(1808, 1806, on=ALL)
def single_quote_that_is_not_closed(draft: Draft, drafts: Drafts) -> None:
    leave_open(draft, drafts, "'")


@mistake(1809, 1806, on=ALL)
def double_quote_that_is_not_closed(draft: Draft, drafts: Drafts) -> None:
    leave_open(draft, drafts, '"')


def leave_open(draft: Draft, drafts: Drafts, quote: str) -> None:
    place = drafts.pick(("query", "query", "query", "key", "part"))
    if place == "key":
        draft.key = f"{drafts.pick('([')}{quote}201"
        draft.names, draft.set_id = [], ""
    elif place == "part" and not draft.set_id:
        draft.names = [f"{quote}{','.join(draft.names)}"]
    else:
        name = drafts.pick(("$savedfilter", "$filter", "$x", "$orderby", "$params"))
        value = drafts.pick(("x", "ID = 1", "", "[1]", "a\\" + quote))
        draft.tail = f"{name}={drafts.pick((quote, '%22' if quote == chr(34) else '%27'))}{value}"


@mistake(1806, on=PAGES)
def number_that_is_none(draft: Draft, drafts: Drafts) -> None:
    draft.params.pop("$limit", None)
    draft.params[drafts.pick(("$top", "$skip"))] = drafts.pick(("x", "1.5", "1e2", "9" * 19, "0x1"))


@mistake(1806, on=("page",))
def timeout_that_is_none(draft: Draft, drafts: Drafts) -> None:
    draft.params |= {"$method": "entityset", "$timeout": drafts.pick(("-1", "x", "1.5"))}


@mistake(1806, on=("set",))
def position_that_is_none(draft: Draft, drafts: Drafts) -> None:
    draft.set_id = drafts.pick(drafts.sets[draft.dataclass])
    draft.params["$removeFromSet"] = drafts.pick(("x", "99999", "-1", "1.5"))


@mistake(1806, on=("other",))
def size_that_is_none(draft: Draft, drafts: Drafts) -> None:
    draft.path = f"Employee{drafts.key('Employee')}/photo"
    draft.params = {"$size": drafts.pick(("0x1", "1", "10x", "9999x9999", "axb", "1.5x1"))}


@mistake(1806, on=(*ALL, "other"))
def query_string_that_is_not_well_formed(draft: Draft, drafts: Drafts) -> None:
    draft.tail = drafts.pick(("x=%ff", "x=%00", "'ID'", "%fe=1", "$x=1& 'y'", 'x="%c3"'))


@mistake(1806, on=("page", "set"))
def path_that_is_not_well_formed(draft: Draft, drafts: Drafts) -> None:
    names = ",".join(draft.names) or "*"
    draft.path = draft.dataclass + drafts.pick(
        texts(
            f"""
            /$nothing  /{names}/{names}  /$entityset  /{names}/$entityset  /$entityset/x/$entityset/x
            (1  (1,  (,1)  (1,)  (1)x  [1)  :id  :(1)  :  (1,2)/$entityset/x
            """
        )
    )


@mistake(1806, on=("other",))
def resource_that_is_not_well_formed(draft: Draft, drafts: Drafts) -> None:
    draft.params = {}
    listed = texts("$info/nothing  $info/entitySet/x  $catalog/Employee/x  $catalog(1)  (1)")
    draft.path = drafts.pick((*listed, "a" * 8_193))


# What is there and hidden: MARK stands for its name, and for one that is not there


@mistake(1500, on=FILTERED)
def hidden_attribute_in_a_filter(draft: Draft, drafts: Drafts) -> None:
    criteria = (f"{MARK} = x", f"not {MARK} begin x", MARK, f"{MARK}.name = 1", f"{MARK} != null")
    add_criterion(draft, drafts, drafts.pick(criteria))
    hide(draft, drafts)


@mistake(1500, 1804, on=ALL)
def hidden_attribute_in_a_list(draft: Draft, drafts: Drafts) -> None:
    # A relation that no list walks is null to who may not read where it leads (D-13).
    items = (f"{MARK}.name", f"{MARK}.*", *((MARK,) if draft.selected != "Animal" else ()))
    add_item(draft, drafts, drafts.pick(items))
    hide(draft, drafts)


@mistake(1500, 1805, on=SHOWN)
def hidden_attribute_to_expand(draft: Draft, drafts: Drafts) -> None:
    add_expanded(draft, drafts, drafts.pick((MARK, f"{MARK}.name")))
    hide(draft, drafts)


@mistake(1500, 1810, on=FILTERED)
def hidden_attribute_in_an_order(draft: Draft, drafts: Drafts) -> None:
    add_order(draft, drafts, drafts.pick((MARK, f"{MARK} desc", f"{MARK}.name")))
    hide(draft, drafts)


@mistake(1500, 1804, on=("entity",))
def hidden_attribute_to_find_by(draft: Draft, drafts: Drafts) -> None:
    draft.key = f":{MARK}(1)"
    hide(draft, drafts)


def hide(draft: Draft, drafts: Drafts) -> None:
    draft.marks = drafts.pick(HIDDEN_NAMES.get(draft.selected, ()))


@mistake(1800, on=("page", "entity", "figure"))
def hidden_dataclass(draft: Draft, drafts: Drafts) -> None:
    draft.dataclass = MARK
    draft.marks = drafts.pick(HIDDEN_DATACLASSES)
