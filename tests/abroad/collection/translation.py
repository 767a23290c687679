from __future__ import annotations

from modeltranslation.translator import TranslationOptions, register

from .models import Museum


@register(Museum)
class MuseumTranslation(TranslationOptions):
    fields = ("title", "motto")
