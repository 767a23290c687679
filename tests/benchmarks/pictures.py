"""``python -m tests.benchmarks.pictures``: converted pictures against Pillow and a plain file response.

All cases of a group run in turn in this one process; a ratio is taken round by round, in CPU time.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

THUMBNAIL_AIM, SECOND_READ_AIM = 1.2, 2.0
BOX = (256, 256)


def photo():
    """A JPEG of 12 megapixels with the structure and noise of a photograph."""
    noise = random.Random(3).randbytes(500 * 375 * 3)
    rough = Image.frombytes("RGB", (500, 375), noise).resize((4000, 3000), Image.Resampling.BICUBIC)
    grey = Image.linear_gradient("L").resize((4000, 3000))
    smooth = Image.merge("RGB", (grey, grey.rotate(90), grey.rotate(180)))
    out = io.BytesIO()
    Image.blend(smooth, rough, 0.3).save(out, "JPEG", quality=88)
    return out.getvalue()


def compare(title, cases, *, rounds, calls, aim=None):
    """Print the CPU time of each case and its ratio to the first; the second one has the ``aim``."""
    for _, call in cases:
        call()
    taken = {name: [] for name, _ in cases}
    for _ in range(rounds):
        for name, call in cases:
            begun = time.process_time()
            for _ in range(calls):
                call()
            taken[name].append((time.process_time() - begun) / calls)
    base = taken[cases[0][0]]
    print(f"\n{title}")
    for position, (name, _) in enumerate(cases):
        times = taken[name]
        ratios = [one / other for one, other in zip(times, base, strict=True)]
        line = f"  {name:<44} {statistics.median(times) * 1e3:9.2f} ms {statistics.median(ratios):6.2f}"
        if aim and position == 1:
            kept = statistics.median(ratios) <= aim
            line += f"  (at most {aim}: {'kept' if kept else 'MISSED'})"
        print(line)


def pillow_thumbnail(path):
    with Image.open(path) as image:
        image.thumbnail(BOX)
        image.save(io.BytesIO(), "JPEG")


def our_thumbnail(path):
    from fourd_rest.conf import DEFAULTS
    from fourd_rest.pictures.recoder import recode

    with path.open("rb") as file:
        recode(
            file,
            io.BytesIO(),
            target="JPEG",
            box=BOX,
            formats=DEFAULTS.PICTURE_FORMATS,
            max_pixels=DEFAULTS.MAX_PICTURE_PIXELS,
            max_memory=DEFAULTS.MAX_PICTURE_MEMORY,
        )


class Site:
    """The sample site, called as a server calls it, without a socket."""

    def __init__(self):
        from django.core.files.base import ContentFile
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application
        from django.http import FileResponse
        from django.shortcuts import get_object_or_404
        from django.urls import path

        from testproject import urls
        from testproject.hr.models import Employee

        def bare(request, name):
            return FileResponse(Path("/", name).open("rb"))

        def of_row(request, key):
            return FileResponse(get_object_or_404(Employee, pk=key).photo.open())

        urls.urlpatterns[:0] = [path("bare/<path:name>", bare), path("of_row/<int:key>", of_row)]
        call_command("migrate", verbosity=0)
        self.employee = Employee(pk=1, first_name="Anna", last_name="Weber")
        self.employee.photo.save("anna.jpg", ContentFile(photo()))
        self.application = get_wsgi_application()

    @property
    def photo(self):
        return Path(self.employee.photo.path)

    def get(self, path, query=""):
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }
        status = []
        body = self.application(environ, lambda code, headers: status.append(code))
        try:
            data = b"".join(body)
        finally:
            body.close()
        assert status == ["200 OK"], status
        return data

    def picture(self, query, key=1):
        return self.get(f"/rest/Employee({key})/photo", query)

    def keep(self, data):
        """Give ``data`` to the second employee as it is."""
        from django.core.files.base import ContentFile

        from testproject.hr.models import Employee

        other = Employee(pk=2, first_name="Same", last_name="Bytes")
        other.photo.save("same", ContentFile(data))
        self.same = other.photo.path


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pictures")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="fourd-pictures-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "testproject.settings",
            "DATABASE_ENGINE": "sqlite",
            "DEMO_VAR": folder,
            "DEMO_GUESTS": "1",
        }
        import django

        django.setup()
        measure(Site(), rounds)


def measure(site, rounds):
    from fourd_rest.models import ConvertedPicture

    size = "$size={}x{}".format(*BOX)

    def first_read():
        ConvertedPicture.objects.all().delete()
        site.picture(size)

    cases = [
        ("Pillow with draft", lambda: pillow_thumbnail(site.photo)),
        ("fourd_rest, the picture alone", lambda: our_thumbnail(site.photo)),
        ("fourd_rest, a whole first request", first_read),
    ]
    compare("Thumbnail of 12 megapixels", cases, rounds=rounds, calls=5, aim=THUMBNAIL_AIM)
    for title, query in (("thumbnail", size), ("whole picture as WebP", "$imageformat=webp")):
        data = site.picture(query)
        site.keep(data)
        cases = [
            ("FileResponse for a row's file", lambda: site.get("/of_row/2")),
            ("fourd_rest, second read", lambda query=query: site.picture(query)),
            ("fourd_rest, the same as stored", lambda: site.picture("$imageformat=best", 2)),
            ("FileResponse for a path", lambda: site.get(f"/bare{site.same}")),
        ]
        title = f"Second read of a {title}, {len(data) / 1024:.0f} KiB"
        compare(title, cases, rounds=rounds, calls=40, aim=SECOND_READ_AIM)


if __name__ == "__main__":
    main()
