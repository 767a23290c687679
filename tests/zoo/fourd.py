from __future__ import annotations

from fourd_rest import register

from . import models

for _model in (
    models.Everything,
    models.Country,
    models.Planet,
    models.Parcel,
    models.Keeper,
    models.Place,
    models.Aviary,
    models.Animal,
    models.Passport,
    models.Account,
    models.Secretive,
    models.Finder,
    models.Broken,
    models.Loose,
):
    register(_model)

register(
    models.Singer,
    folded={"name": "name_folded", "motto": "motto_folded"},
    database_comparison=["code"],
)
