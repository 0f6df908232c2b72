"""Finds the columns of WooCommerce's product export by their headers, in whatever language; reads no rows.

The exporter translates its headers but never their order. English, German, French and Spanish are known
by name. Another language is read by position: four headers in a row that end in a unit, as in `Weight
(kg)`, tell which generation of the exporter wrote the file, and so where every other column stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("ID",),
    "type": ("Type", "Typ", "Tipo"),
    "sku": ("SKU", "Artikelnummer", "UGS", "Referencia"),
    "gtin": ("GTIN, UPC, EAN, or ISBN", "GTIN, UPC, EAN oder ISBN", "GTIN, UPC, EAN ou ISBN", "GTIN, UPC, EAN o ISBN"),
    "name": ("Name", "Nom", "Nombre"),
    "published": ("Published", "Veröffentlicht", "Publié", "Publicado"),
    "featured": ("Is featured?", "Ist hervorgehoben?", "Hervorgehoben?", "Mis en avant ?", "¿Está destacado?"),
    "visibility": (
        "Visibility in catalog", "Catalog visibility", "Sichtbarkeit im Katalog", "Katalogsichtbarkeit",
        "Visibilité dans le catalogue", "Visibilidad en el catálogo",
    ),
    "short_description": ("Short description", "Kurzbeschreibung", "Description courte", "Descripción corta"),
    "description": ("Description", "Beschreibung", "Descripción"),
    "sale_from": (
        "Date sale price starts", "Datum, an dem Angebotspreis beginnt", "Datum, an dem der Angebotspreis beginnt",
        "Date de début de promo", "Día en que empieza el precio rebajado",
    ),
    "sale_to": (
        "Date sale price ends", "Datum, an dem Angebotspreis endet", "Datum, an dem der Angebotspreis endet",
        "Date de fin de promo", "Día en que termina el precio rebajado",
    ),
    "tax_status": ("Tax status", "Steuerstatus", "État de la TVA", "Statut fiscal", "Estado del impuesto"),
    "tax_class": ("Tax class", "Steuerklasse", "Classe de TVA", "Clase de impuesto"),
    "in_stock": (
        "In stock?", "Vorrätig?", "Auf Lager?", "En stock ?", "En inventaire ?", "¿Existencias?", "¿En inventario?",
    ),
    "stock": ("Stock", "Lager", "Bestand", "Lagerbestand", "Inventaire", "Inventario"),
    "low_stock": ("Low stock amount", "Geringe Lagermenge", "Montant de stock faible", "Cantidad de bajo inventario"),
    "backorders": (
        "Backorders allowed?", "Lieferrückstände erlaubt?", "Rückstände erlaubt?",
        "Autoriser les commandes de produits en rupture ?", "¿Permitir reservas de productos agotados?",
    ),
    "sold_individually": (
        "Sold individually?", "Nur einzeln verkaufen?", "Vendre individuellement ?", "¿Vendido individualmente?",
    ),
    "weight": ("Weight", "Gewicht", "Poids", "Peso"),
    "length": ("Length", "Länge", "Longueur", "Longitud"),
    "width": ("Width", "Breite", "Largeur", "Anchura"),
    "height": ("Height", "Höhe", "Hauteur", "Altura"),
    "reviews": (
        "Allow customer reviews?", "Kundenrezensionen erlauben?", "Kundenbewertungen erlauben?",
        "Autoriser les avis clients ?", "¿Permitir valoraciones de clientes?",
    ),
    "purchase_note": ("Purchase note", "Hinweis zum Kauf", "Note de commande", "Nota de compra"),
    "sale_price": ("Sale price", "Angebotspreis", "Tarif promo", "Precio rebajado"),
    "regular_price": ("Regular price", "Regulärer Preis", "Tarif régulier", "Precio normal"),
    "categories": ("Categories", "Kategorien", "Catégories", "Categorías"),
    "tags": ("Tags", "Schlagwörter", "Étiquettes", "Etiquetas"),
    "shipping_class": ("Shipping class", "Versandklasse", "Classe d'expédition", "Clase de envío"),
    "images": ("Images", "Bilder", "Imágenes"),
    "download_limit": ("Download limit", "Downloadlimit", "Limite de téléchargement", "Límite de descargas"),
    "download_expiry": (
        "Download expiry days", "Ablauftage des Downloads", "Jours d'expiration du téléchargement",
        "Días de caducidad de la descarga",
    ),
    "parent": ("Parent", "Übergeordnetes Produkt", "Übergeordnet", "Superior", "Principal"),
    "grouped": (
        "Grouped products", "Gruppierte Produkte", "Groupes de produits", "Groupe de produits", "Productos agrupados",
    ),
    "upsells": ("Upsells", "Zusatzverkäufe", "Produits suggérés", "Ventas dirigidas"),
    "cross_sells": ("Cross-sells", "Cross-Sells (Querverkäufe)", "Querverkäufe", "Ventes croisées", "Ventas cruzadas"),
    "external_url": ("External URL", "Externe URL", "URL externe", "URL externa"),
    "button_text": ("Button text", "Button-Text", "Libellé du bouton", "Texto del botón"),
    "position": ("Position", "Posición"),
    "cost": ("Cost of goods", "Cost of goods sold"),
    "brands": ("Brands", "Brand", "Marken", "Marques", "Marcas"),
}  # fmt: skip

_ORDER: Final = (
    "id", "type", "sku", "gtin", "name", "published", "featured", "visibility", "short_description", "description",
    "sale_from", "sale_to", "tax_status", "tax_class", "in_stock", "stock", "low_stock", "backorders",
    "sold_individually", "weight", "length", "width", "height", "reviews", "purchase_note", "sale_price",
    "regular_price", "categories", "tags", "shipping_class", "images", "download_limit", "download_expiry", "parent",
    "grouped", "upsells", "cross_sells", "external_url", "button_text", "position",
)  # fmt: skip
"""The exporter's order; `gtin` came last, `low_stock` before it."""

_NEWER_BY_WEIGHT: Final = {
    19: frozenset[str](),
    18: frozenset({"gtin"}),
    17: frozenset({"gtin", "low_stock"}),
}
"""Where the weight stands, and which columns that generation of the exporter does not know yet."""

TYPES: Final = frozenset({"simple", "variable", "variation", "grouped", "external"})
KINDS: Final = TYPES | {"virtual", "downloadable"}

_UNIT: Final = re.compile(r"^(.*\S)\s*\(([^()]{1,12})\)$")
_NUMBER: Final = re.compile(r"(?<!\d)(\d{1,3})(?!\d)")
_ATTRIBUTE: Final = re.compile(r"at+r[iy]b")
_ROLES: Final = (
    ("visible", re.compile(r"visib|sichtbar")),
    ("shared", re.compile(r"global")),
    ("default", re.compile(r"default|defaut|défaut|defecto|standard|vorgabe")),
    ("values", re.compile(r"value|wert|valeur|valor|vrednost|waarde|wartoś")),
)
_ROLE_ORDER: Final = ("name", "values", "visible", "shared", "default")
_MARKS: Final = ("type", "sku", "regular_price", "categories", "images", "published", "parent", "in_stock")


@dataclass(slots=True)
class WooColumns:
    """Where the columns stand: fields, then attributes by their number and role; and the unit of the weight."""

    fields: dict[str, int]
    attributes: dict[int, dict[str, int]] = field(default_factory=dict)
    weight_unit: str = "kg"
    by_position: bool = False


def normal(header: str) -> str:
    """A header as it is looked up: one case, straight apostrophes, no question marks, single spaces."""
    text = header.replace("\ufeff", "").casefold().replace("’", "'").replace("?", " ").replace("¿", " ")
    return " ".join(text.split())


_FIELD_OF: Final = {normal(name): key for key, names in _NAMES.items() for name in names}


def find_columns(headers: Sequence[str], second_row: Sequence[str] = ()) -> WooColumns | None:
    """The columns of a WooCommerce file, or None where the headers are not its own.

    `second_row` is consulted only where the language of the headers is unknown: the type of a product is
    never translated.
    """
    columns = _by_name(headers)
    if columns is None:
        columns = _by_position(headers, second_row)
    if columns is not None:
        columns.attributes = _attributes(headers, set(columns.fields.values()))
    return columns


def _by_name(headers: Sequence[str]) -> WooColumns | None:
    found: dict[str, int] = {}
    unit = "kg"
    for position, header in enumerate(headers):
        bare, own_unit = _split_unit(header)
        key = _FIELD_OF.get(normal(header)) or _FIELD_OF.get(normal(bare))
        if key is None or key in found:
            continue
        found[key] = position
        if key == "weight" and own_unit:
            unit = own_unit
    if "name" not in found or len(found) < 4 or sum(mark in found for mark in _MARKS) < 2:
        return None
    return WooColumns(found, weight_unit=unit)


def _by_position(headers: Sequence[str], second_row: Sequence[str]) -> WooColumns | None:
    if not headers or normal(headers[0]) != "id" or len(second_row) < 2:
        return None
    kinds = {kind.strip() for kind in second_row[1].casefold().split(",")}
    if not kinds & KINDS:
        return None
    for weight, absent in _NEWER_BY_WEIGHT.items():
        units = [_split_unit(header)[1] for header in headers[weight : weight + 4]]
        if len(units) == 4 and all(units):
            order = [key for key in _ORDER if key not in absent]
            if len(headers) < len(order):
                return None
            found = {key: position for position, key in enumerate(order)}
            return WooColumns(found, weight_unit=units[0], by_position=True)
    return None


def _split_unit(header: str) -> tuple[str, str]:
    match = _UNIT.match(header.strip())
    return (match[1], match[2].strip()) if match else (header, "")


def _attributes(headers: Sequence[str], taken: set[int]) -> dict[int, dict[str, int]]:
    """The columns of each numbered attribute by their roles; a role nothing tells goes by the order."""
    groups: dict[int, list[int]] = {}
    for position, header in enumerate(headers):
        text = normal(header)
        number = _NUMBER.search(text)
        if position not in taken and number and not text.startswith("meta:") and _ATTRIBUTE.search(text):
            groups.setdefault(int(number[1]), []).append(position)
    found: dict[int, dict[str, int]] = {}
    for index, positions in sorted(groups.items()):
        roles: dict[str, int] = {}
        untold = []
        for position in positions:
            text = normal(headers[position])
            role = next((role for role, pattern in _ROLES if pattern.search(text)), "")
            if role and role not in roles:
                roles[role] = position
            else:
                untold.append(position)
        free = [role for role in _ROLE_ORDER if role not in roles]
        roles.update(zip(free, untold, strict=False))
        if "name" in roles and "values" in roles:
            found[index] = roles
    return found
