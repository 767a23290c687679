"""Who may what: rights on dataclasses and entities, guests, ways to log in, pages of other sites."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.models import EntitySet, UploadedBlob
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient, picture
from tests.contract.checks import assert_answer, errors, nothing_changes, refused
from tests.contract.sample import MOMENT, WIRE_MOMENT, employee, john
from tests.spec.backends import Owners

pytestmark = pytest.mark.django_db

RIGHTS = ("view", "add", "change", "delete")
UNKNOWN = (1800, 'The "Employee" dataclass cannot be found')
NO_READ = (1557, "No permission to read for the Employee dataclass")
NO_UPDATE = (1558, "No permission to update for the Employee dataclass")
NO_CREATE = (1559, "No permission to create for the Employee dataclass")
NO_DELETE = (1560, "No permission to delete for the Employee dataclass")
NO_UPLOAD = (1558, "No permission to update for the $upload dataclass")
NOT_SAVED = (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved')
NOT_CREATED = (1534, 'The new entity of the "Employee" dataclass cannot be saved')

# What is asked for, as ``rest()`` of the client takes it.
ASKED = {
    "page": ("GET", "Employee/ID"),
    "no rows": ("GET", "Employee?$top=0"),
    "entity": ("GET", "Employee(12)/ID"),
    "nobody": ("GET", "Employee(99)"),
    "bytes": ("GET", "Employee(12)/photo?$imageformat=best"),
    "create": ("POST", "Employee", {"firstName": "Ann", "lastName": "Poe"}),
    "update": ("POST", "Employee?$method=update", {"__KEY": "12", "__STAMP": 4, "salary": 5}),
    "unchanged": ("PUT", "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "John"}),
    "update nobody": ("POST", "Employee", {"__KEY": "99", "salary": 5}),
    "delete": ("DELETE", "Employee(12)"),
    "delete by POST": ("POST", "Employee(12)?$method=delete"),
    "delete nobody": ("DELETE", "Employee(99)"),
    "upload": ("POST", "$upload?$binary=true", b"x"),
}
ROW = {"__KEY": "12", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 4, "ID": 12}
PAGE = {
    "__DATACLASS": "Employee",
    "__entityModel": "Employee",
    "__GlobalStamp": 0,
    "__COUNT": 1,
    "__FIRST": 0,
    "__ENTITIES": [ROW],
    "__SENT": 1,
}
READ = {
    "page": (200, PAGE),
    "no rows": (200, PAGE | {"__ENTITIES": [], "__SENT": 0}),
    "entity": (200, {"__entityModel": "Employee", "__DATACLASS": "Employee", **ROW}),
    "nobody": (404, errors((1543, 'Cannot load entity# 99 in the "Employee" dataclass'))),
    "bytes": (200, picture()),
}
READS = tuple(READ)
NOT_READ = dict.fromkeys(READS, (401, errors(NO_READ)))
NOT_ADDED = {"create": (401, refused(1, NO_CREATE, NOT_CREATED))}
GONE = (
    (1542, 'Cannot find entity with "99" key in the "Employee" dataclass'),
    (1517, 'The entity# 99 in the "Employee" dataclass cannot be saved'),
)
NOT_CHANGED = {
    "update": (401, refused(1, NO_UPDATE, NOT_SAVED)),
    "unchanged": (401, refused(1, NO_UPDATE, NOT_SAVED)),
    # Whether it exists is not told.
    "update nobody": (401, refused(1, NO_UPDATE, GONE[1])),
}
DELETED = {
    "delete": (200, {"ok": True}),
    "delete by POST": (200, {"ok": True}),
    "delete nobody": (404, errors((1543, 'Cannot load entity# 99 in the "Employee" dataclass'))),
}
NOT_DELETED = dict.fromkeys(DELETED, (401, errors(NO_DELETE)))
NOT_UPLOADED = {"upload": (401, errors(NO_UPLOAD))}


def saved(key, stamp, *, hidden=("managedCompanies",), **values):
    """What an update answers to whoever may know of employees alone."""
    told = employee(key, stamp, moment=WIRE_MOMENT, **values)
    for name in hidden:
        del told[name]
    head = {"__STATUS": {"success": True}, "__KEY": told.pop("__KEY"), "__STAMP": told.pop("__STAMP")}
    return 200, {**head, "uri": f"http://testserver/rest/Employee({key})", **told}


def shown(client):
    """How the photo of employee 12 is told by an update answer: to whoever asks."""
    return {"__deferred": {"uri": PHOTO.format(client), "image": True}}


PHOTO = "/rest/Employee(12)/photo?$imageformat=best&$version={}&$expand=photo"
CREATED = {"create": (200, "Ann")}
# Who may not view is told no attribute of what he has made (D-55).
CREATED_UNSEEN = {"create": (200, "somebody")}


def changed(**hidden):
    return {
        "update": saved(12, 5, salary=5, photo=shown(5), **hidden),
        "unchanged": saved(12, 4, photo=shown(4), **hidden),
        "update nobody": (500, refused(5, *GONE)),
    }


CHANGED = changed()
UPLOADED = {"upload": (200, "an ID")}

UNDESCRIBED = dict.fromkeys(ASKED, (404, errors(UNKNOWN))) | NOT_UPLOADED
POWERLESS = {
    **dict.fromkeys(READS, (401, errors(NO_READ))),
    **dict.fromkeys(("create", "update", "unchanged", "update nobody"), (401, errors(NO_UPDATE))),
    **NOT_DELETED,
    **NOT_UPLOADED,
}
EXPECTED = {
    "guest": POWERLESS,
    "logged in": UNDESCRIBED,
    "view": READ | NOT_ADDED | NOT_CHANGED | NOT_DELETED | NOT_UPLOADED,
    "add": NOT_READ | CREATED_UNSEEN | NOT_CHANGED | NOT_DELETED | UPLOADED,
    # As in the admin, whoever may change may read.
    "change": READ | NOT_ADDED | CHANGED | NOT_DELETED | UPLOADED,
    "delete": NOT_READ | NOT_ADDED | NOT_CHANGED | DELETED | NOT_UPLOADED,
    "superuser": READ | CREATED | changed(hidden=()) | DELETED | UPLOADED,
}
MATRIX = [(who, asked) for who in EXPECTED for asked in ASKED]


@pytest.fixture
def john_with_photo(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: MOMENT)
    row = john()
    row.photo.save("me.png", ContentFile(picture()), save=False)
    Employee.objects.filter(pk=12).update(photo=row.photo.name)


def assert_expected(response, expected):
    status, body = expected
    if body in ("Ann", "somebody"):
        ann = Employee.objects.get(first_name="Ann")
        _, told = saved(ann.pk, 1, firstName="Ann", lastName="Poe", hidden=())
        # The time of a new row is the column's default.
        told |= {"__TIMESTAMP": moment_to_wire(ann.modified)}
        head = ("__STATUS", "__KEY", "__STAMP", "uri", "__TIMESTAMP")
        body = told if body == "Ann" else {name: told[name] for name in head}
    if body == "an ID":
        (blob,) = UploadedBlob.objects.all()
        body = {"ID": blob.wire_id}
    if isinstance(body, bytes):
        assert (response.status_code, response.content) == (status, body)
    else:
        assert_answer(response, status, body)


def ask(client, asked, **extra):
    verb, path, *body = ASKED[asked]
    return client.rest(verb, path, *body, **extra)


def caller(who, login):
    if who == "guest":
        return RestClient()
    if who == "superuser":
        client = RestClient()
        client.force_login(User.objects.create_superuser("admin"))
        return client
    return login(*([f"hr.{who}_employee"] if who in RIGHTS else []))


def test_the_matrix_is_complete():
    assert all(set(expected) == set(ASKED) for expected in EXPECTED.values())


@pytest.mark.parametrize(("who", "asked"), MATRIX)
def test_rights_on_a_dataclass(login, john_with_photo, who, asked):
    client, expected = caller(who, login), EXPECTED[who][asked]
    if expected[0] == 200:
        assert_expected(ask(client, asked), expected)
        return
    with nothing_changes():
        assert_expected(ask(client, asked), expected)


@pytest.mark.parametrize(("who", "asked"), [pair for pair in MATRIX if pair[0] in RIGHTS])
def test_rights_of_guests(guest, settings, john_with_photo, who, asked):
    """A guest with a right is as good as a user with it."""
    settings.FOURD_REST = {"GUEST_PERMISSIONS": [f"hr.{who}_employee"]}
    assert_expected(ask(guest, asked), EXPECTED[who][asked])


def test_rights_of_guests_are_everybodys(login, settings, john_with_photo):
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.view_employee"]}
    assert_expected(ask(login(), "entity"), READ["entity"])
    text = 'The "Company" dataclass cannot be found'
    assert_answer(login().read("Company"), 404, errors((1800, text)))


# Existence is not told (D-21)


@pytest.mark.parametrize(
    ("verb", "code", "text"),
    [
        ("GET", 1557, "No permission to read for the {} dataclass"),
        ("POST", 1558, "No permission to update for the {} dataclass"),
        ("DELETE", 1560, "No permission to delete for the {} dataclass"),
    ],
)
@pytest.mark.parametrize("name", ["Employee", "Nothing", "Session"])
@pytest.mark.parametrize("rest", ["", "(12)", "(99)", "(x)", "(12)/nope", "(12)/firstName"])
def test_a_guest_learns_nothing(guest, verb, code, text, name, rest):
    john()
    if verb == "DELETE" and "/" in rest:  # to empty an attribute is to change the entity
        code, text = 1558, "No permission to update for the {} dataclass"
    with nothing_changes():
        response = guest.rest(verb, f"{name}{rest}", b"{}")
        assert_answer(response, 401, errors((code, text.format(name))))


@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("rest", ["", "(12)", "(99)", "(x)", "(12)/nope"])
def test_a_user_without_rights_learns_nothing(login, verb, rest):
    john()
    seen = set()
    for name in ("Employee", "Nothing", "Session"):
        with nothing_changes():
            body = {"__KEY": "12", "nope": 1} if rest == "" else b"{}"
            response = login().rest(verb, f"{name}{rest}", body)
        seen.add((response.status_code, response.content.decode().replace(name, "X")))
    assert len(seen) == 1
    assert seen.pop()[0] == 404


def test_names_of_attributes_are_not_told_to_whoever_may_not_read(login):
    john()
    for client in (login("hr.add_employee"), login("hr.delete_employee", username="b")):
        for path in ("Employee/nope", "Employee(12)/nope", "Employee(x)", "Employee(99)/nope"):
            assert_answer(client.read(path), 401, errors(NO_READ))


def test_an_array_says_which_entity_was_refused(login):
    john()
    client = login("hr.add_employee")
    new = {"firstName": "Ann", "lastName": "Poe"}
    response = client.update("Employee", [{"__KEY": "12", "salary": 5}, new])
    assert response.status_code == 401
    first, second = response.json()["__ENTITIES"]
    assert first == refused(1, NO_UPDATE, NOT_SAVED)
    assert second["__STATUS"] == {"success": True}
    assert Employee.objects.get(pk=12).salary is None
    assert Employee.objects.count() == 2


# Rights on single entities


OTHER = {
    "read": ("GET", "Employee(13)/ID"),
    "bytes": ("GET", "Employee(13)/photo?$imageformat=best"),
    "update": ("POST", "Employee", {"__KEY": "13", "__STAMP": 1, "salary": 5}),
    "delete": ("DELETE", "Employee(13)"),
}


def own(right):
    """What may be done with entity 12 by whoever holds ``right`` on it, and on nothing else."""
    expected = dict(UNDESCRIBED)
    if right in ("view", "change"):
        expected |= {name: READ[name] for name in ("entity", "bytes")}
    if right == "change":
        # A right on one entity opens no relation, not even to others of its own dataclass.
        alone = changed(hidden=("team", "managedCompanies"))
        expected |= {name: alone[name] for name in ("update", "unchanged")}
    if right == "delete":
        expected |= {name: DELETED[name] for name in ("delete", "delete by POST")}
    return expected


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("right", ["view", "change", "delete"])
def test_a_right_on_one_entity(owner, john_with_photo, right, asked):
    Owners.granted.add((f"hr.{right}_employee", 12))
    assert_expected(ask(owner, asked), own(right)[asked])


@pytest.mark.parametrize("asked", OTHER)
def test_a_right_on_one_entity_is_none_on_another(owner, john_with_photo, asked):
    Employee.objects.create(id=13, first_name="Ann", last_name="Poe", photo="x.png")
    Owners.granted.update((f"hr.{right}_employee", 12) for right in RIGHTS)
    with nothing_changes():
        verb, path, *body = OTHER[asked]
        assert_answer(owner.rest(verb, path, *body), 404, errors(UNKNOWN))


def test_rights_on_entities_add_to_those_on_the_dataclass(owner, login, john_with_photo):
    Employee.objects.create(id=13, first_name="Ann", last_name="Poe")
    login("hr.view_employee", username="owner")
    Owners.granted.add(("hr.change_employee", 12))
    assert owner.read("Employee").json()["__COUNT"] == 2
    assert_expected(ask(owner, "update"), CHANGED["update"])
    response = owner.update("Employee", {"__KEY": "13", "__STAMP": 1, "salary": 5})
    not_saved = (1517, 'The entity# 13 in the "Employee" dataclass cannot be saved')
    assert_answer(response, 401, refused(1, NO_UPDATE, not_saved))
    assert_answer(owner.rest("DELETE", "Employee(13)"), 401, errors(NO_DELETE))


def test_a_dataclass_may_judge_entities_itself(admin, registered, john_with_photo):
    class OnlyJohn(DataClass):
        naming = "camelCase"
        names = {"id": "ID"}

        def has_view_permission(self, request, obj=None):
            return obj is None or obj.first_name == "John"

        def has_change_permission(self, request, obj=None):
            return self.has_view_permission(request, obj)

        def has_delete_permission(self, request, obj=None):
            return self.has_view_permission(request, obj)

    registered(Employee, OnlyJohn)
    Employee.objects.create(id=13, first_name="Ann", last_name="Poe")
    assert_expected(ask(admin, "entity"), READ["entity"])
    assert_expected(ask(admin, "nobody"), READ["nobody"])
    assert_answer(admin.read("Employee(13)"), 401, errors(NO_READ))
    with nothing_changes():
        response = admin.update("Employee", {"__KEY": "13", "__STAMP": 1, "salary": 5})
        assert response.status_code == 401
        assert [item["errCode"] for item in response.json()["__ERROR"]] == [1558, 1517]
        assert_answer(admin.rest("DELETE", "Employee(13)"), 401, errors(NO_DELETE))
    assert ask(admin, "update").status_code == 200


def test_hooks_see_who_asks(login, registered, settings):
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]
    }
    seen = []

    class Curious(DataClass):
        def get_queryset(self, request):
            seen.append(request.user.get_username())
            return super().get_queryset(request)

    User.objects.create_user("user", password="pass")
    login("hr.view_company")
    registered(Company, Curious)
    RestClient().read("Company", **basic("user", "pass"))
    assert seen == ["user"]


# Pages of other sites (D-26)


OWN = "http://testserver"
FOREIGN = (9007, "A page of another site may not make this request")
ORIGINS = [
    # Sec-Fetch-Site, Origin, CSRF_TRUSTED_ORIGINS, allowed
    (None, None, [], True),
    ("same-origin", None, [], True),
    ("same-origin", OWN, [], True),
    ("none", None, [], True),
    (None, OWN, [], True),
    ("same-site", None, [], False),
    ("same-site", "http://sub.testserver", [], False),
    ("cross-site", None, [], False),
    ("cross-site", "http://evil.example", [], False),
    ("cross-site", OWN, [], False),
    ("nonsense", None, [], False),
    ("", None, [], False),
    (None, "http://evil.example", [], False),
    (None, "https://testserver", [], False),
    (None, "http://testserver:8000", [], False),
    (None, "http://testserver.evil.example", [], False),
    (None, "null", [], False),
    (None, "", [], False),
    (None, "http://[", ["https://*.good.example"], False),
    ("cross-site", "https://good.example", ["https://good.example"], True),
    ("same-site", "https://good.example", ["https://good.example"], True),
    (None, "https://good.example", ["https://good.example"], True),
    (None, "http://good.example", ["https://good.example"], False),
    (None, "https://good.example:8443", ["https://good.example"], False),
    ("cross-site", None, ["https://good.example"], False),
    (None, "https://a.good.example", ["https://*.good.example"], True),
    (None, "https://a.b.good.example", ["https://*.good.example"], True),
    (None, "http://a.good.example", ["https://*.good.example"], False),
    (None, "https://evilgood.example", ["https://*.good.example"], False),
    (None, "https://good.example.evil", ["https://*.good.example"], False),
]
CHANGES = ("create", "update", "delete", "delete by POST", "upload")
# Pages that browsers name which send neither header: with a GET most do, of old all.
REFERERS = [
    # Referer, CSRF_TRUSTED_ORIGINS, the request is secure, allowed
    ("http://testserver/", [], False, True),
    ("http://testserver", [], False, True),
    ("http://TestServer/page?a=b#c", [], False, True),
    ("https://testserver/page", [], False, True),
    ("https://testserver/page", [], True, True),
    # Whoever is on the way could have made that page.
    ("http://testserver/page", [], True, False),
    ("http://evil.example/", [], False, False),
    ("http://evil.example/?http://testserver/", [], False, False),
    ("http://testserver:8000/", [], False, False),
    ("http://testserver.evil.example/", [], False, False),
    ("http://testserver@evil.example/", [], False, False),
    ("http://evil.example\\@testserver/", [], False, False),
    ("http://sub.testserver/", [], False, False),
    ("//testserver/", [], False, False),
    ("/page", [], False, False),
    ("testserver", [], False, False),
    ("about:blank", [], False, False),
    ("data:text/html,x", [], False, False),
    ("http://[", [], False, False),
    ("http://", [], False, False),
    ("", [], False, False),
    ("https://good.example/page", ["https://good.example"], False, True),
    ("http://good.example/page", ["https://good.example"], False, False),
    ("https://good.example:8443/page", ["https://good.example"], False, False),
    ("https://good.example.evil/", ["https://good.example"], False, False),
    ("https://a.good.example/page", ["https://*.good.example"], False, True),
    ("https://evilgood.example/", ["https://*.good.example"], False, False),
]
# What a link or a picture on a page can ask for.
CHANGING_READS = (
    "Employee?$method=entityset",
    "Employee?$method=subentityset",
    "Employee/$entityset/0?$method=release",
    "Employee?$addToSet=0",
    "Employee?$removeFromSet=0",
    "Employee/$entityset/0?$savedfilter=ID>0",
)


def from_page(site, origin):
    headers = {"HTTP_SEC_FETCH_SITE": site, "HTTP_ORIGIN": origin}
    return {name: value for name, value in headers.items() if value is not None}


@pytest.mark.parametrize(("site", "origin", "trusted", "allowed"), ORIGINS)
def test_where_a_change_may_come_from(admin, settings, john_with_photo, site, origin, trusted, allowed):
    settings.CSRF_TRUSTED_ORIGINS = trusted
    response = ask(admin, "update", **from_page(site, origin))
    if allowed:
        assert_expected(response, EXPECTED["superuser"]["update"])
        return
    text = "A page of another site may not make this request"
    assert_answer(response, 403, errors((9007, text)))
    assert Employee.objects.get(pk=12).salary is None


@pytest.mark.parametrize(("referer", "trusted", "secure", "allowed"), REFERERS)
def test_where_a_change_comes_from_by_its_referer(admin, settings, referer, trusted, secure, allowed):
    settings.CSRF_TRUSTED_ORIGINS = trusted
    extra = {"HTTP_REFERER": referer, "secure": secure}
    response = admin.read("Employee?$method=entityset", **extra)
    if allowed:
        assert response.status_code == 200
        return
    assert_answer(response, 403, errors(FOREIGN))
    assert not EntitySet.objects.exists()
    assert admin.read("Employee", **extra).status_code == 200


@pytest.mark.parametrize("path", CHANGING_READS)
def test_no_link_on_a_page_of_another_site_changes_anything(admin, path):
    response = admin.read(path, HTTP_REFERER="http://evil.example/")
    assert_answer(response, 403, errors(FOREIGN))
    assert admin.read(path, HTTP_REFERER="http://testserver/").status_code != 403


@pytest.mark.parametrize("asked", CHANGES)
def test_no_form_on_a_page_of_another_site_changes_anything(admin, john_with_photo, asked):
    with nothing_changes():
        response = ask(admin, asked, HTTP_REFERER="http://evil.example/")
    assert_answer(response, 403, errors(FOREIGN))


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"HTTP_ORIGIN": OWN, "HTTP_REFERER": "http://evil.example/"}, True),
        ({"HTTP_ORIGIN": "http://evil.example", "HTTP_REFERER": OWN}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_REFERER": "http://evil.example/"}, True),
        ({"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_REFERER": OWN}, False),
    ],
)
def test_a_referer_counts_only_where_nothing_better_does(admin, headers, allowed):
    response = admin.read("Employee?$method=entityset", **headers)
    assert response.status_code == (200 if allowed else 403)


@pytest.mark.parametrize("asked", CHANGES)
def test_no_page_of_another_site_changes_anything(admin, john_with_photo, asked):
    with nothing_changes():
        response = ask(admin, asked, **from_page("cross-site", "http://evil.example"))
    text = "A page of another site may not make this request"
    assert_answer(response, 403, errors((9007, text)))


@pytest.mark.parametrize("asked", READS)
def test_a_read_may_come_from_anywhere(admin, john_with_photo, asked):
    response = ask(admin, asked, **from_page("cross-site", "http://evil.example"))
    assert_expected(response, READ[asked])
    assert "Access-Control-Allow-Origin" not in response


def test_no_csrf_token_is_asked_for(john_with_photo):
    client = RestClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))
    assert_expected(ask(client, "update"), EXPECTED["superuser"]["update"])


# Ways to log in


def basic(username, password):
    text = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {text}"}


BASIC = "rest_framework.authentication.BasicAuthentication"
SESSION = "rest_framework.authentication.SessionAuthentication"
TOKENS = "tests.spec.backends.Tokens"
FAILED = (1822, "REST login failed")


@pytest.fixture
def clerk(login, john_with_photo):
    User.objects.create_user("clerk", password="pass")
    return login("hr.view_employee", username="clerk")


def authenticate_by(settings, *classes):
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": list(classes)}


@pytest.mark.parametrize(
    ("classes", "header"),
    [
        ([BASIC], basic("clerk", "pass")),
        ([SESSION, BASIC], basic("clerk", "pass")),
        ([TOKENS], {"HTTP_AUTHORIZATION": "Token krelc"}),
        ([SESSION, BASIC, TOKENS], {"HTTP_AUTHORIZATION": "Token krelc"}),
    ],
)
def test_ways_of_the_site_to_authenticate(clerk, settings, classes, header):
    authenticate_by(settings, *classes)
    assert_expected(ask(RestClient(), "entity", **header), READ["entity"])
    assert_expected(ask(RestClient(), "update", **header), NOT_CHANGED["update"])
    assert_expected(ask(RestClient(), "entity"), POWERLESS["entity"])


def test_the_defaults_of_drf(clerk, settings):
    settings.REST_FRAMEWORK = {}
    assert_expected(ask(clerk, "entity"), READ["entity"])
    assert_expected(ask(RestClient(), "entity", **basic("clerk", "pass")), READ["entity"])


def test_a_site_without_sessions(clerk, settings):
    authenticate_by(settings, BASIC)
    assert_answer(ask(clerk, "entity"), 401, errors(NO_READ))


@pytest.mark.parametrize(
    ("classes", "header", "challenge"),
    [
        ([BASIC], basic("clerk", "wrong"), 'Basic realm="api"'),
        ([BASIC], basic("nobody", "pass"), 'Basic realm="api"'),
        ([BASIC], {"HTTP_AUTHORIZATION": "Basic nonsense"}, 'Basic realm="api"'),
        ([TOKENS], {"HTTP_AUTHORIZATION": "Token nobody"}, "Token"),
        ([TOKENS], {"HTTP_AUTHORIZATION": "Token"}, "Token"),
        ([TOKENS, BASIC], basic("clerk", "wrong"), "Token"),
        # The session has no challenge to offer.
        ([SESSION, BASIC], basic("clerk", "wrong"), ""),
    ],
)
@pytest.mark.parametrize("asked", ["entity", "update", "delete", "upload"])
def test_bad_credentials(clerk, settings, classes, header, challenge, asked):
    authenticate_by(settings, *classes)
    with nothing_changes():
        response = ask(RestClient(), asked, **header)
    assert_answer(response, 401, errors(FAILED), {"WWW-Authenticate": challenge})


def test_a_user_who_was_deactivated(clerk, settings):
    settings.REST_FRAMEWORK = {}
    User.objects.update(is_active=False)
    assert_answer(ask(clerk, "entity"), 401, errors(NO_READ))
    response = ask(RestClient(), "entity", **basic("clerk", "pass"))
    assert_answer(response, 401, errors(FAILED), {"WWW-Authenticate": ""})


def test_the_origin_is_asked_before_the_rights(guest):
    response = ask(guest, "update", **from_page("cross-site", None))
    text = "A page of another site may not make this request"
    assert_answer(response, 403, errors((9007, text)))


BACKENDS = "tests.spec.backends"
# What the second factor's absence comes to, by the way in which the class says so.
NO_FACTOR = {
    "SecondFactor": (401, errors(NO_READ)),
    "SecondFactorOrNot": (401, errors(FAILED), {"WWW-Authenticate": ""}),
    "SecondFactorOrForbidden": (403, errors(FAILED)),
    "SecondFactorOrDjangosNo": (403, errors(FAILED)),
    "SecondFactorOrNothing": (404, errors((1806, "URL is not well formed: there is nothing here"))),
}


@pytest.fixture
def browser(john_with_photo):
    """A superuser in a session, of whom Django would ask a CSRF token."""
    client = RestClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.mark.parametrize("name", NO_FACTOR)
def test_a_session_class_of_the_site_is_asked(browser, settings, name):
    authenticate_by(settings, f"{BACKENDS}.{name}")
    status, *told = NO_FACTOR[name]
    assert_answer(ask(browser, "entity"), status, *told)
    with nothing_changes():
        assert ask(browser, "update").status_code == status
        assert ask(browser, "delete").status_code == status
        assert ask(browser, "upload").status_code == status
    session = browser.session
    session["factor"] = True
    session.save()
    assert_expected(ask(browser, "entity"), READ["entity"])
    assert_expected(ask(browser, "update"), EXPECTED["superuser"]["update"])
    response = ask(browser, "update", **from_page("cross-site", "http://evil.example"))
    assert_answer(response, 403, errors(FOREIGN))


FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"]


@pytest.mark.parametrize("body", [b"", b"a=b"])
@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_no_request_has_form_values(browser, settings, verb, body):
    authenticate_by(settings, f"{BACKENDS}.Reader", SESSION)
    extra = {"content_type": "application/x-www-form-urlencoded"}
    response = browser.rest(verb, "Employee(12)?$method=none", body, **extra)
    assert response.status_code == 400


def test_a_site_where_nobody_is_no_user(guest, settings):
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
    assert_answer(ask(guest, "entity"), 401, errors(NO_READ))


def test_permission_classes_of_the_site_are_not_asked(john_with_photo, login, settings):
    """Rights are those of the dataclass; the docs say so."""
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    }
    assert_expected(ask(login("hr.view_employee"), "entity"), READ["entity"])


def test_a_host_that_is_not_allowed(guest, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "CommonMiddleware" not in name]
    response = guest.read("Employee", HTTP_HOST="evil.example")
    text = "URL is not well formed: the host is not allowed"
    assert_answer(response, 400, errors((1806, text)))
