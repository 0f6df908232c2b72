"""WooCommerce's headers are found in every language: four by name, the others by position."""

import pytest
from vitrine_catalog.imports.reading.woo_headers import find_columns


def headers_of(text: str) -> list[str]:
    return text.split(";")


GERMAN = headers_of(
    "ID;Typ;Artikelnummer;GTIN, UPC, EAN oder ISBN;Name;Veröffentlicht;Ist hervorgehoben?;Sichtbarkeit im Katalog;"
    "Kurzbeschreibung;Beschreibung;Datum, an dem Angebotspreis beginnt;Datum, an dem Angebotspreis endet;"
    "Steuerstatus;Steuerklasse;Vorrätig?;Bestand;Geringe Lagermenge;Lieferrückstände erlaubt?;"
    "Nur einzeln verkaufen?;Gewicht (g);Länge (mm);Breite (mm);Höhe (mm);Kundenrezensionen erlauben?;"
    "Hinweis zum Kauf;Angebotspreis;Regulärer Preis;Kategorien;Schlagwörter;Versandklasse;Bilder;Downloadlimit;"
    "Ablauftage des Downloads;Übergeordnetes Produkt;Gruppierte Produkte;Zusatzverkäufe;"
    "Cross-Sells (Querverkäufe);Externe URL;Button-Text;Position;Attribut 1 Name;Attribut 1 Wert(e);"
    "Attribut 1 Sichtbar;Attribut 1 Global"
)
FRENCH = headers_of(
    "ID;Type;UGS;Nom;Publié;Mis en avant ?;Visibilité dans le catalogue;Description courte;Description;"
    "En stock ?;Stock;Poids (kg);Tarif promo;Tarif régulier;Catégories;Étiquettes;Images;Parent;Position;"
    "Nom de l’attribut 1;Valeur(s) de l’attribut 1 ;Attribut 1 visible;Attribut 1 global"
)
SPANISH = headers_of(
    "ID;Tipo;SKU;Nombre;Publicado;¿Está destacado?;Visibilidad en el catálogo;Descripción corta;Descripción;"
    "¿Existencias?;Inventario;Peso (kg);Precio rebajado;Precio normal;Categorías;Etiquetas;Imágenes;Superior;"
    "Posición;Nombre del atributo 1;Valor(es) del atributo 1;Atributo visible 1;Atributo global 1;"
    "Nombre del atributo 2;Valor(es) del atributo 2"
)
# The exporter's first generation: neither GTIN nor low stock.
SERBIAN = headers_of(
    "ID;Tip;Šifra;Naziv;Objavljeno;Istaknuto;Vidljivost;Kratak opis;Opis;Početak akcije;Kraj akcije;Poreski status;"
    "Poreska klasa;Na stanju;Zalihe;Narudžbine;Pojedinačno;Težina (kg);Dužina (cm);Širina (cm);Visina (cm);"
    "Utisci;Napomena;Akcijska cena;Redovna cena;Kategorije;Oznake;Klasa isporuke;Slike;Ograničenje;Rok;Nadređeni;"
    "Grupisani;Dodatna prodaja;Unakrsna prodaja;Spoljni URL;Tekst dugmeta;Pozicija;Atribut 1 ime;"
    "Atribut 1 vrednosti;Atribut 1 vidljivo;Atribut 1 global"
)


@pytest.mark.parametrize(
    ("headers", "unit"), [(GERMAN, "g"), (FRENCH, "kg"), (SPANISH, "kg")], ids=["German", "French", "Spanish"]
)
def test_known_languages_are_found_by_name(headers: list[str], unit: str) -> None:
    columns = find_columns(headers)
    assert columns is not None
    assert not columns.by_position
    assert columns.weight_unit == unit
    needed = {
        "type",
        "sku",
        "name",
        "published",
        "in_stock",
        "stock",
        "weight",
        "regular_price",
        "sale_price",
    }
    assert needed <= columns.fields.keys()
    needed = {"categories", "tags", "images", "parent", "position", "description", "short_description"}
    assert needed <= columns.fields.keys()
    start = next(n for n, header in enumerate(headers) if "1" in header)
    assert columns.attributes[1] == {
        "name": start,
        "values": start + 1,
        "visible": start + 2,
        "shared": start + 3,
    }


def test_all_german_headers_are_known() -> None:
    columns = find_columns(GERMAN)
    assert columns is not None
    assert sorted(columns.fields.values()) == list(range(40))


def test_another_language_is_read_by_position() -> None:
    columns = find_columns(SERBIAN, ["1", "simple", "A", "Čaša"])
    assert columns is not None
    assert columns.by_position
    named = {field: SERBIAN[position] for field, position in columns.fields.items()}
    assert named["name"] == "Naziv"
    assert named["weight"] == "Težina (kg)"
    assert named["regular_price"] == "Redovna cena"
    assert named["position"] == "Pozicija"
    assert "gtin" not in named
    assert "low_stock" not in named
    assert columns.attributes == {1: {"name": 38, "values": 39, "visible": 40, "shared": 41}}


def test_newer_generations_are_told_by_where_the_units_stand() -> None:
    newer = [*SERBIAN[:3], "Bar-kod", *SERBIAN[3:15], "Niske zalihe", *SERBIAN[15:]]
    columns = find_columns(newer, ["1", "variable"])
    assert columns is not None
    assert columns.fields["gtin"] == 3
    assert columns.fields["low_stock"] == 16
    assert newer[columns.fields["parent"]] == "Nadređeni"


@pytest.mark.parametrize("second", [[], ["1"], ["1", "car"]])
def test_positions_are_trusted_only_below_a_product_s_type(second: list[str]) -> None:
    assert find_columns(SERBIAN, second) is None


@pytest.mark.parametrize(
    "headers",
    [["name", "price"], ["ID", "Type", "A", "B"], [], SERBIAN[:20]],
    ids=["table", "short", "none", "cut"],
)
def test_other_tables_are_not_taken_for_it(headers: list[str]) -> None:
    assert find_columns(headers, ["1", "simple"]) is None
