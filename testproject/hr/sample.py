"""Sample data made by code: the same companies, people, portraits and invoices every time.

``load()`` fills an empty database. Employee 12 is John Smith, saved four times and without a photo;
invoice 3 was saved three times and has no PDF: the two that the first steps of the tutorial change.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

from django.core.files.base import ContentFile
from django.core.management.color import no_style
from django.db import connections, router, transaction
from django.utils import timezone
from django.utils.text import slugify
from PIL import Image, ImageDraw, ImageFont, ImageOps

from fourd_rest.models import EntityStamp

from .models import Company, Employee, Invoice

EMPLOYEES = 600
INVOICES = 200
JOHN = 12
JOHN_STAMP = 4
OPEN_INVOICE = 3
OPEN_INVOICE_STAMP = 3

COMPANIES = [
    ("Adler & Söhne", "Machinery", "Stuttgart", "Germany"),
    ("Alpine Timber", "Construction", "Innsbruck", "Austria"),
    ("Atelier Beaumont", "Design", "Lyon", "France"),
    ("Baltic Freight", "Logistics", "Gdańsk", "Poland"),
    ("Bergström Instruments", "Electronics", "Uppsala", "Sweden"),
    ("Blue Heron Foods", "Food", "Portland", "United States"),
    ("Brightwater Energy", "Energy", "Aberdeen", "United Kingdom"),
    ("Café Lumière", "Food", "Paris", "France"),
    ("Castellano Hermanos", "Textiles", "Valencia", "Spain"),
    ("Cobalt Analytics", "Software", "Dublin", "Ireland"),
    ("Delta Marine Supply", "Shipping", "Rotterdam", "Netherlands"),
    ("Eastgate Pharma", "Health", "Basel", "Switzerland"),
    ("Éditions du Canal", "Publishing", "Strasbourg", "France"),
    ("Fjord Seafood", "Food", "Bergen", "Norway"),
    ("Garnet Insurance", "Finance", "Hartford", "United States"),
    ("Greenfield Seeds", "Agriculture", "Des Moines", "United States"),
    ("Harbour Lane Books", "Publishing", "Bristol", "United Kingdom"),
    ("Iberia Cork", "Materials", "Évora", "Portugal"),
    ("Jade Mountain Tea", "Food", "Taipei", "Taiwan"),
    ("Kestrel Aviation", "Aerospace", "Toulouse", "France"),
    ("Lindqvist Möbel", "Furniture", "Malmö", "Sweden"),
    ("Maple Street Clinics", "Health", "Toronto", "Canada"),
    ("Northwind Paper", "Materials", "Tampere", "Finland"),
    ("Officine Rinaldi", "Machinery", "Turin", "Italy"),
    ("Pacific Lens", "Optics", "Yokohama", "Japan"),
    ("Quarry & Stone", "Construction", "Cork", "Ireland"),
    ("Redwood Learning", "Education", "San José", "United States"),
    ("Silverline Rail", "Transport", "Leeds", "United Kingdom"),
    ("Tropical Fruits Ltda.", "Agriculture", "São Paulo", "Brazil"),
    ("Zürichsee Privatbank", "Finance", "Zürich", "Switzerland"),
]

WOMEN = """
    Alice Amélie Anna Béatrice Carmen Chiara Claire Elena Emma Fatima Grace Hannah Inés
    Ingrid Jane Julia Kate Laura Lucía Maria Mei Nadia Olivia Paula Renée Sofia Sarah Yuki
    Zoë Zuzana
"""
MEN = """
    Adam André Björn Carlos Daniel David Diego Émile Erik Felix François George Hiroshi
    Ibrahim Jack James John José Karl Lars Łukasz Marco Mark Noah Oscar Paul Pedro Robert
    Thomas Yusuf
"""
LAST_NAMES = """
    Andersson Bauer Bianchi Brown Carter Chen Costa Dubois Dupont Evans Fernández Fischer
    Fontaine García Girard González Gruber Hansen Hughes Ivanova Jansen Johnson Jones
    Keller Kowalski Lambert Larsen Lefèvre Lindgren Lopez Martin Mendes Meyer Moreau
    Müller Nakamura Nguyen Novák Núñez O'Brien Olsen Park Pereira Petit Ricci Robinson
    Rossi Roux Santos Schmidt Smith Søndergaard Suzuki Taylor Thompson Virtanen Wagner
    Walker Weber Williams Wójcik Yılmaz Zimmermann
"""

# Letters of the names above that the fonts of our pictures and documents lack.
LATIN = str.maketrans("Łı", "Li")

SKIN = ["#f2d3bc", "#e8b998", "#d19b74", "#a87450", "#7c5138", "#57372a"]
HAIR = ["#1d1a18", "#3b2a20", "#6a4428", "#a8723a", "#d9b368", "#8d8d8f", "#7a2f1d"]
CLOTHES = ["#27435f", "#5b2a3c", "#2f5d50", "#3c3c46", "#8a5a2b", "#4b4f8a", "#73808c"]
BACKGROUND = ["#a9c4d6", "#c9b8d8", "#d8c7a3", "#a8cdb4", "#d6aeae", "#b7bec6", "#9fd0cf"]


def portrait(first_name: str, last_name: str, *, woman: bool, image_format: str = "JPEG") -> bytes:
    """A drawn face over a gradient, with initials, 240 by 320."""
    rng = random.Random(f"{first_name} {last_name}")  # noqa: S311  (a face, not a secret)
    skin, hair, clothes = rng.choice(SKIN), rng.choice(HAIR), rng.choice(CLOTHES)
    gradient = Image.linear_gradient("L").resize((240, 320))
    image = ImageOps.colorize(gradient, "#f7f7f4", rng.choice(BACKGROUND))
    draw = ImageDraw.Draw(image)
    wide, top = rng.randint(52, 60), rng.randint(60, 72)
    left, right, chin = 120 - wide, 120 + wide, top + rng.randint(136, 148)
    if woman:
        draw.rounded_rectangle((left - 14, top - 12, right + 14, chin + 36), 60, fill=hair)
    draw.ellipse((22, chin + 16, 218, 440), fill=clothes)
    draw.rectangle((100, chin - 24, 140, chin + 30), fill=skin)
    draw.ellipse((94, chin + 14, 146, chin + 48), fill=skin)
    draw.ellipse((left, top, right, chin), fill=skin)
    draw.chord((left - 6, top - 14, right + 6, chin - 30), 190, 350, fill=hair)
    eyes = (top + chin) // 2
    for x in (120 - 22, 120 + 22):
        draw.ellipse((x - 8, eyes - 5, x + 8, eyes + 5), fill="white")
        draw.ellipse((x - 4, eyes - 4, x + 4, eyes + 4), fill="#2b2b2b")
        draw.line((x - 11, eyes - 13, x + 11, eyes - 13 - rng.randint(0, 2)), fill=hair, width=4)
    draw.line((120, eyes + 8, 116, eyes + 28, 123, eyes + 29), fill="#8a5f4a", width=2)
    draw.arc((98, eyes + 26, 142, eyes + 50), 25, 155, fill="#93403a", width=4)
    draw.text(
        (120, 300),
        (first_name[0] + last_name[0]).translate(LATIN),
        fill="white",
        anchor="ms",
        font=ImageFont.load_default(size=26),
    )
    out = BytesIO()
    image.save(out, image_format, quality=88)
    return out.getvalue()


def pdf(title: str, lines: Iterable[str]) -> bytes:
    """A one-page PDF 1.4 document in Helvetica, small enough to read by eye."""

    def text(value: str) -> bytes:
        escaped = value.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        return b"(" + escaped.translate(LATIN).encode("cp1252", "replace") + b")"

    page = b"BT /F1 20 Tf 72 760 Td " + text(title) + b" Tj /F1 12 Tf 0 -16 Td 18 TL\n"
    page += b"".join(b"T* " + text(line) + b" Tj\n" for line in lines) + b"ET\n"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(page), page),
        b"<< /Title " + text(title) + b" >>",
    ]
    # The second line tells transfer programs that the file is binary.
    document = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, content in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(document)
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size, start = len(objects) + 1, len(document)
    document += b"xref\n0 %d\n%s" % (size, table)
    document += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\n" % size
    return document + b"startxref\n%d\n%%%%EOF\n" % start


def invoice_pdf(invoice: Invoice) -> bytes:
    return pdf(
        f"Invoice {invoice.reference}",
        [
            f"Company: {invoice.company.name}",
            f"Date: {invoice.date.isoformat()}",
            f"Amount: {invoice.amount:.2f} EUR",
            "",
            "Payable within 30 days.",
        ],
    )


def cv_pdf(employee: Employee) -> bytes:
    employer = employee.employer.name if employee.employer else "free-lance"
    story = (
        f"{employee} grew up between two languages, studied twice, and now works at {employer}. "
        "Speaks in public, writes in private, and can be reached on weekdays."
        if employee.employer
        else f"{employee} works for whoever asks nicely, and can be reached at any time."
    )
    return pdf(f"Curriculum vitae: {employee}", textwrap.wrap(story, 70))


def is_loaded() -> bool:
    """Whether there is anything at all: data that is not ours is left alone."""
    return any(model._default_manager.exists() for model in (Company, Employee, Invoice))


def load() -> None:
    """Fill the empty tables and the media folder; all or nothing in the database."""
    rng = random.Random(2014)  # noqa: S311  (sample data, not secrets)
    with transaction.atomic(using=router.db_for_write(Company)):
        companies = _companies(rng)
        employees = _employees(rng, companies)
        _appoint(companies, employees)
        invoices = _invoices(rng, companies)
        # A bulk insert goes past the signals that move stamps.
        _stamp("hr.company", companies, {})
        _stamp("hr.invoice", invoices, {OPEN_INVOICE: OPEN_INVOICE_STAMP})
        _advance_sequences()


def _day(rng: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=rng.randrange((last - first).days))


def _companies(rng: random.Random) -> list[Company]:
    return Company.objects.bulk_create(
        Company(
            id=number,
            name=name,
            creation_date=_day(rng, date(1920, 1, 1), date(2020, 1, 1)) if number % 10 else None,
            revenues=Decimal(rng.randrange(10**7, 10**11)) / 100 if number % 7 else None,
            extra={
                "sector": sector,
                "address": {"city": city, "country": country},
                "tags": rng.sample(["partner", "export", "family", "listed", "priority"], 2),
                "rating": rng.randint(1, 5),
            },
        )
        for number, (name, sector, city, country) in enumerate(COMPANIES, 1)
    )


def _employees(rng: random.Random, companies: list[Company]) -> list[Employee]:
    names = [
        (first, last, woman)
        for firsts, woman in ((WOMEN, True), (MEN, False))
        for first in firsts.split()
        for last in LAST_NAMES.split()
        if (first, last) != ("John", "Smith")
    ]
    names = rng.sample(names, EMPLOYEES - 1)
    names.insert(JOHN - 1, ("John", "Smith", False))
    employees: list[Employee] = []
    heads: dict[int, Employee] = {}  # by company: the first one there
    for number, (first, last, woman) in enumerate(names, 1):
        # John works for the company of the first employee, so he has a manager.
        employer = employees[0].employer if number == JOHN else rng.choice(companies)
        if number % 50 == 0 or employer is None:
            employer = head = None
        else:
            head = heads.get(employer.pk)
        employee = Employee(
            id=number,
            first_name=first,
            last_name=last,
            salary=rng.randrange(24_000, 120_000, 100) if number % 33 else None,
            birth_date=_day(rng, date(1960, 1, 1), date(2004, 1, 1)) if number % 45 else None,
            woman=woman,
            employer=employer,
            manager=head,
            stamp=JOHN_STAMP if number == JOHN else 1,
        )
        if employer is not None:
            heads.setdefault(employer.pk, employee)
        name = f"{number}-{slugify(last) or 'employee'}"
        if number % 10 == 5:
            image_format, ending = ("PNG", "png") if number % 20 == 5 else ("JPEG", "jpg")
            picture = portrait(first, last, woman=woman, image_format=image_format)
            employee.photo.save(f"{name}.{ending}", ContentFile(picture), save=False)
        if number % 15 == 0:
            employee.cv.save(f"{name}.pdf", ContentFile(cv_pdf(employee)), save=False)
        employees.append(employee)
    return Employee.objects.bulk_create(employees)


def _appoint(companies: list[Company], employees: list[Employee]) -> None:
    """The head of a company is its manager. Companies had to be there before employees."""
    for employee in employees:
        if employee.employer is not None and employee.manager is None:
            employee.employer.manager = employee
    Company.objects.bulk_update(companies, ["manager"])


def _invoices(rng: random.Random, companies: list[Company]) -> list[Invoice]:
    invoices: list[Invoice] = []
    for number in range(1, INVOICES + 1):
        invoice = Invoice(
            id=number,
            reference=f"INV{number:03}",
            amount=Decimal(rng.randrange(5_000, 5_000_000)) / 100,
            date=_day(rng, date(2022, 1, 1), date(2025, 1, 1)),
            company=rng.choice(companies),
        )
        if number != OPEN_INVOICE:
            invoice.pdf.save(f"{invoice.reference}.pdf", ContentFile(invoice_pdf(invoice)), save=False)
        invoices.append(invoice)
    return Invoice.objects.bulk_create(invoices)


def _stamp(label: str, rows: Iterable[Company | Invoice], stamps: dict[int, int]) -> None:
    now = timezone.now()
    # A stamp may have outlived an entity of the same key.
    EntityStamp.objects.filter(dataclass=label).delete()
    EntityStamp.objects.bulk_create(
        EntityStamp(dataclass=label, key=str(row.pk), stamp=stamps.get(row.pk, 1), modified=now)
        for row in rows
    )


def _advance_sequences() -> None:
    """The keys were given, so databases with sequences would hand them out again."""
    connection = connections[router.db_for_write(Company)]
    statements = connection.ops.sequence_reset_sql(no_style(), [Company, Employee, Invoice])
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
