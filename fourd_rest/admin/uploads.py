"""Uploads for administrators: what came in, from whom, which entities hold it, and how to remove it.

A page of the list costs the same number of statements for any number of rows, and no file is opened for
it: pictures are the thumbnails made when they were received. Nothing can be edited here. Files are
served by views of our own, with the same safe headers as the REST surface (``http.files``).
"""

from __future__ import annotations

import base64
import mimetypes
import re
import uuid
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from fourd_rest.errors import RestError
from fourd_rest.http.files import INLINE_TYPES, file_answer
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import file_types
from fourd_rest.pictures.conversions import ready_pictures
from fourd_rest.uploads import blobs

from . import usage
from .attachments import Targets, find_targets

State, Kind = UploadedBlob.State, UploadedBlob.Kind

LIST_TARGETS = 3
DETAIL_TARGETS = 100
OCTETS = "application/octet-stream"

_MINUTE = 60
_EXTENSIONS = mimetypes.MimeTypes()  # the standard library's own table: the same on every machine
_ID_BEGINNING = re.compile(r"[0-9a-f]{4,32}")

# What a client may no longer do, an administrator may not either.
_WHY_NOT = {
    State.RECEIVING: _("This upload is still being received."),
    State.BROKEN: _("This upload was never received to its end."),
    State.EXPIRED: _("This upload has expired. Its file can no longer be used or shown."),
}
_GONE = _("The storage does not have the whole file of this upload any more.")

if TYPE_CHECKING:  # generic for the type checker alone
    BlobAdmin = admin.ModelAdmin[UploadedBlob]

    class ListedBlob(UploadedBlob):
        """An upload with what the queryset and the pages add to it."""

        client_state: str
        targets: Targets
else:
    BlobAdmin = admin.ModelAdmin


class StateFilter(admin.SimpleListFilter):
    """Filters by the state that clients see, which ``client_state`` holds."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """All states of an upload."""
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The uploads in the chosen state; all of them for a value that is no state."""
        return queryset.filter(client_state=self.value()) if self.value() in State.values else queryset


class UploaderFilter(admin.SimpleListFilter):
    """Users or guests. The uploads of one user are found by the search."""

    title = _("owner")
    parameter_name = "uploader"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Uploads of users, uploads of guests."""
        return [("user", _("Users")), ("guest", _("Guests"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The uploads of users or of guests; all of them for any other value."""
        if self.value() not in ("user", "guest"):
            return queryset
        return queryset.filter(owner__isnull=self.value() == "guest")


class UploadList(ChangeList):
    """A page of uploads, each with its targets."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and the newest targets of each upload on it."""
        super().get_results(request)
        find_targets(request, self.model_admin.admin_site, self.result_list, LIST_TARGETS)


@admin.register(UploadedBlob)
class UploadedBlobAdmin(BlobAdmin):
    """The pages of uploads.

    Rights are Django's: ``view`` to list, preview and download, ``delete`` to remove.
    """

    list_display = ["thumb", "file", "badge", "sort", "human_size", "uploader", "expiry", "attached_to"]
    list_display_links = ["file"]
    list_filter = [StateFilter, "kind", UploaderFilter, "created"]
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["file_name", f"owner__{get_user_model().USERNAME_FIELD}", "^sha256"]
    search_help_text = _("ID, file name, owner, or how an ID or SHA-256 begins")
    date_hierarchy = "created"
    actions = ["delete_selected"]
    fieldsets = [
        (None, {"fields": ["content", "wire_id", "badge", "expiry", "attached_to", "conversions"]}),
        (
            _("File"),
            {
                "fields": [
                    "file_name",
                    "kind",
                    "detected_type",
                    "declared_type",
                    "exact_size",
                    "dimensions",
                    "sha256",
                ]
            },
        ),
        (_("Received"), {"fields": ["uploader", "address", "created", "ready", "expires", "timeout"]}),
    ]

    class Media:
        css = {"all": ["fourd_rest/admin.css"]}  # noqa: RUF012

    # Who may.

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: uploads come in by ``$upload`` alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: UploadedBlob | None = None) -> bool:
        """Never: nothing about an upload can be edited."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: UploadedBlob | None = None) -> bool:
        """Whether the user has ``view_uploadedblob``."""
        # Elsewhere who may change may view; here nothing can be changed.
        return request.user.has_perm("fourd_rest.view_uploadedblob")

    # Which, and in what state.

    def get_queryset(self, request: HttpRequest) -> QuerySet[UploadedBlob]:
        """Uploads with the state they are in for clients: expired also before the sweep says so."""
        over = When(state=State.READY, expires__lte=timezone.now(), then=Value(State.EXPIRED))
        return super().get_queryset(request).annotate(client_state=Case(over, default=F("state")))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that reads targets as well."""
        return UploadList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search as Django does, and by how an ID begins (4 hexadecimal digits at least)."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if beginning := _id_beginning(search_term):
            found |= queryset.filter(pk__istartswith=beginning)
        return found, duplicates

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the totals of each state below it."""
        totals = {"upload_totals": partial(self._totals, request)}
        return super().changelist_view(request, totals | (extra_context or {}))

    def _totals(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Files and bytes in each state, of all the uploads that ``request`` may see: one statement."""
        visible: QuerySet[Any, Any] = self.get_queryset(request).order_by()
        sums = {
            row.pop("client_state"): row
            for row in visible.values("client_state").annotate(
                files=Count("pk"), bytes=Sum("size"), unswept=Count("pk", filter=~Q(name=""))
            )
        }
        nothing = {"files": 0, "bytes": 0, "unswept": 0}
        totals = []
        for state in State:
            total = {"state": state.value, "badge": _badge(state), **sums.get(state, nothing)}
            if state in (State.RECEIVING, State.READY):
                total["unswept"] = 0
            totals.append(total)
        return totals

    # Columns and fields.

    @admin.display(description=_("preview"))
    def thumb(self, blob: UploadedBlob) -> SafeString | str:
        """The stored thumbnail, within the page. Nothing is opened and nothing is decoded here."""
        if not blob.thumbnail:
            return ""
        content = bytes(blob.thumbnail)
        return format_html(
            '<img class="fourd-thumb" alt="" src="data:{};base64,{}">',
            file_types.sniff(content[: file_types.HEAD_SIZE]) or OCTETS,
            base64.b64encode(content).decode(),
        )

    @admin.display(description=_("file"), ordering="-created")
    def file(self, blob: UploadedBlob) -> SafeString:
        """The client's name for the file, and the ID, which may break across lines."""
        return format_html(
            '<bdi class="fourd-name">{}</bdi><code class="fourd-id">{}<wbr>{}</code>',
            blob.file_name,
            blob.wire_id[:16],
            blob.wire_id[16:],
        )

    @admin.display(description=_("kind"), ordering="kind")
    def sort(self, blob: UploadedBlob) -> SafeString:
        """Picture or binary, and the detected MIME type."""
        kind, slash, subtype = blob.detected_type.partition("/")
        return format_html(
            '{} <span class="fourd-quiet">{}{}<wbr>{}</span>',
            blob.get_kind_display(),
            kind,
            slash,
            subtype,
        )

    @admin.display(description=_("size"), ordering="size")
    def human_size(self, blob: UploadedBlob) -> str:
        """The size in its largest unit."""
        return filesizeformat(blob.size)

    @admin.display(description=_("owner"), ordering=f"owner__{get_user_model().USERNAME_FIELD}")
    def uploader(self, blob: UploadedBlob) -> str | SafeString:
        """The name of the user, or «guest»."""
        if blob.owner is None:
            return format_html('<span class="fourd-quiet">{}</span>', gettext("guest"))
        return blob.owner.get_username()

    @admin.display(description=_("state"), ordering="client_state")
    def badge(self, blob: ListedBlob) -> SafeString:
        """The state that clients see."""
        return _badge(State(blob.client_state))

    @admin.display(description=_("expiry"), ordering="expires")
    def expiry(self, blob: UploadedBlob) -> str:
        """How long until clients can no longer use the file, or since when."""
        if blob.expires is None:
            return self.get_empty_value_display()
        return _relative(blob.expires, timezone.now())

    @admin.display(description=_("attached to"))
    def attached_to(self, blob: ListedBlob) -> str:
        """The newest entities that hold a copy."""
        return blob.targets.__html__() or self.get_empty_value_display()

    @admin.display(description=_("conversions"))
    def conversions(self, blob: ListedBlob) -> str:
        """The pictures that were made of its copies, in other formats and sizes, and are kept."""
        sources = [target.source for target in blob.targets.newest]
        made = [
            (f"{row.format} {row.box}".rstrip(), filesizeformat(row.size))
            for row in ready_pictures(sources)[:DETAIL_TARGETS]
        ]
        line = '<div>{} <span class="fourd-quiet">{}</span></div>'
        return format_html_join("", line, made) or self.get_empty_value_display()

    @admin.display(description=_("content"))
    def content(self, blob: ListedBlob) -> SafeString:
        """The picture and the way to download the file, or why there are none."""
        if blob.client_state != State.READY:
            why = _WHY_NOT[State(blob.client_state)]
            return format_html('{}<p class="fourd-quiet">{}</p>', self.thumb(blob), why)
        parts = SafeString("")
        if _is_viewable(blob):
            parts += format_html(
                '<a href="{0}"><img class="fourd-preview" alt="{1}" src="{0}"></a>',
                self._url("preview", blob),
                gettext("The picture as it was uploaded"),
            )
        return parts + format_html(
            '<p><a class="button" href="{}">{}</a></p>',
            self._url("download", blob),
            gettext("Download (%(size)s)") % {"size": filesizeformat(blob.size)},
        )

    @admin.display(description="ID")
    def wire_id(self, blob: UploadedBlob) -> SafeString:
        """The ID as clients know it."""
        return format_html("<code>{}</code>", blob.wire_id)

    @admin.display(description=_("size"))
    def exact_size(self, blob: UploadedBlob) -> str:
        """The size in its largest unit and, from 1 KiB on, in bytes too."""
        count = ngettext("%(count)d byte", "%(count)d bytes", blob.size) % {"count": blob.size}
        return f"{filesizeformat(blob.size)} ({count})" if blob.size >= 1024 else count

    @admin.display(description=_("width and height"))
    def dimensions(self, blob: UploadedBlob) -> str:
        """Width and height of a picture in pixels."""
        if blob.width is None:
            return self.get_empty_value_display()
        return gettext("%(width)d × %(height)d pixels") % {"width": blob.width, "height": blob.height}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of one upload, with up to ``DETAIL_TARGETS`` targets."""
        find_targets(request, self.admin_site, [context["original"]], DETAIL_TARGETS)
        return super().render_change_form(request, context, *args, **kwargs)

    # Storage, preview and download.

    def get_urls(self) -> list[URLPattern]:
        """Django's pages without a transaction of their own, and those for files and storage."""
        own = [
            path(
                f"<uuid:blob_id>/{name}/",
                # Our own headers say how to cache.
                self.admin_site.admin_view(require_safe(view), cacheable=True),
                name=f"fourd_rest_uploadedblob_{name}",
            )
            for name, view in (("preview", self.preview_view), ("download", self.download_view))
        ]
        charts = path(
            "usage/",
            self.admin_site.admin_view(require_safe(self.usage_view)),
            name="fourd_rest_uploadedblob_usage",
        )
        # A removal commits what it says about a file before it touches the file (ATOMIC_REQUESTS).
        return [charts, *own] + [_without_transaction(pattern) for pattern in super().get_urls()]

    def usage_view(self, request: HttpRequest) -> HttpResponseBase:
        """What all the uploads that ``request`` may see take of the storage."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Storage"),
            "opts": self.opts,
            "charts": usage.charts(self.get_queryset(request)),
        }
        return TemplateResponse(request, "admin/fourd_rest/uploadedblob/usage.html", context)

    def preview_view(self, request: HttpRequest, blob_id: uuid.UUID) -> HttpResponseBase:
        """The picture, to be shown in the page. Another file is only saved."""
        return self._file_view(request, blob_id, inline=True)

    def download_view(self, request: HttpRequest, blob_id: uuid.UUID) -> HttpResponseBase:
        """The file, to be saved under the client's name."""
        return self._file_view(request, blob_id, inline=False)

    def _file_view(self, request: HttpRequest, blob_id: uuid.UUID, *, inline: bool) -> HttpResponseBase:
        """The file of an upload that clients could use too; anything but a picture only to be saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        blob: Any = self.get_queryset(request).filter(pk=blob_id).first()
        if blob is None:
            return self._no_file(request, None, _("There is no such upload."))
        if blob.client_state != State.READY:
            return self._no_file(request, blob, _WHY_NOT[State(blob.client_state)])
        is_viewable = _is_viewable(blob)
        made_up = blob.wire_id + (_EXTENSIONS.guess_extension(blob.detected_type, strict=False) or "")
        try:
            return file_answer(
                request,
                open_file=lambda: blobs.open_blob(blob),
                size=blob.size,
                etag=blob.sha256,
                content_type=blob.detected_type if is_viewable else OCTETS,
                # A browser can also save what it shows: not under a name that a stranger chose.
                filename=made_up if inline else blob.file_name or made_up,
                inline=inline,
            )
        except Exception as error:
            # Storages tell in different ways that a file is gone; ``ResourceNotFoundError`` is Azure's.
            known = isinstance(error, (FileNotFoundError, RestError))
            if not known and type(error).__name__ != "ResourceNotFoundError":
                raise
            return self._no_file(request, blob, _GONE)

    def _no_file(self, request: HttpRequest, blob: UploadedBlob | None, why: Any) -> HttpResponseBase:
        """A page that says why there is nothing to see."""
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("No file"),
            "opts": self.opts,
            "original": blob,
            "why": why,
        }
        response = TemplateResponse(
            request, "admin/fourd_rest/uploadedblob/no_file.html", context, status=404
        )
        add_never_cache_headers(response)
        return response

    def _url(self, name: str, blob: UploadedBlob) -> str:
        return reverse(
            f"admin:fourd_rest_uploadedblob_{name}", args=[blob.pk], current_app=self.admin_site.name
        )

    # Removing.

    @admin.action(permissions=["delete"], description=_("Delete the chosen files"))
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet[UploadedBlob]
    ) -> HttpResponseBase | None:
        """Ask for confirmation as Django does; once it is given, remove the files and their rows."""
        if not request.POST.get("post"):
            page: HttpResponseBase | None = actions.delete_selected(self, request, queryset)
            return page
        self.delete_queryset(request, queryset)
        return None

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page of confirmation. Its removal would run in one transaction, so it is replaced."""
        blob = self.get_object(request, unquote(object_id))
        if request.method != "POST" or blob is None:
            return super().delete_view(request, object_id, extra_context)
        if not self.has_delete_permission(request, blob):
            raise PermissionDenied
        self.delete_model(request, blob)
        page = "fourd_rest_uploadedblob_changelist" if self.has_view_permission(request) else "index"
        url = reverse(f"admin:{page}", current_app=self.admin_site.name)
        preserved: Any = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(preserved, url))

    def delete_model(self, request: HttpRequest, obj: UploadedBlob) -> None:
        """Remove one upload with its file."""
        self._remove(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UploadedBlob]) -> None:
        """Remove these uploads with their files."""
        self._remove(request, list(queryset.defer("thumbnail")))

    def _remove(self, request: HttpRequest, chosen: list[UploadedBlob]) -> None:
        """Remove uploads with their files, and tell what became of each."""
        outcome = blobs.remove(chosen)
        if count := len(outcome.removed):
            removed: Any = outcome.removed
            self.log_deletions(request, removed)
            text = ngettext("%(count)d file was deleted.", "%(count)d files were deleted.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        if count := len(outcome.failed):
            text = ngettext(
                "The storage did not delete %(count)d file. It can no longer be used, stays in this "
                "list, and is tried again at the next clean-up.",
                "The storage did not delete %(count)d files. They can no longer be used, stay in this "
                "list, and are tried again at the next clean-up.",
                count,
            )
            self.message_user(request, text % {"count": count}, messages.ERROR)
        if count := len(outcome.kept):
            text = ngettext(
                "%(count)d upload is still being received and was left alone.",
                "%(count)d uploads are still being received and were left alone.",
                count,
            )
            self.message_user(request, text % {"count": count}, messages.WARNING)


def _without_transaction(pattern: URLPattern) -> URLPattern:
    for alias in connections:
        pattern.callback = transaction.non_atomic_requests(using=alias)(pattern.callback)
    return pattern


def _is_viewable(blob: UploadedBlob) -> bool:
    """Whether a browser may show the file: a picture that was decoded, of a type that runs no code."""
    return blob.kind == Kind.PICTURE and blob.detected_type in INLINE_TYPES


def _id_beginning(text: str) -> str:
    """``text`` as the beginning of an ID with dashes where databases have them; empty if it is none."""
    digits = re.sub(r"[\s-]", "", text).lower()
    if not _ID_BEGINNING.fullmatch(digits):
        return ""
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(filter(None, groups))


def _badge(state: UploadedBlob.State) -> SafeString:
    return format_html('<span class="fourd-badge fourd-{}">{}</span>', state.value, state.label)


def _relative(moment: datetime, now: datetime) -> SafeString:
    """How far away ``moment`` is, in its largest unit; the exact time is its title."""
    future = moment > now
    if abs((moment - now).total_seconds()) < _MINUTE:
        text = gettext("in less than a minute") if future else gettext("just now")
    elif future:
        text = gettext("in %(time)s") % {"time": timeuntil(moment, now, depth=1)}
    else:
        text = gettext("%(time)s ago") % {"time": timesince(moment, now, depth=1)}
    exact = date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, text)
