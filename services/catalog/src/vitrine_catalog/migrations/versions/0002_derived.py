"""what the database keeps by itself: price ranges, stock flags, search documents; and the job queue

The functions run once a statement and on all the rows it touched. They change neither `version` nor `updated_at`.
A bulk merge, which writes a product's parts by several statements, says `SET LOCAL catalog.bulk = 'on'` and calls
`summarise_products` and `index_products` itself, once for all.

Revision ID: 0002
Revises: 0001
"""

from alembic import op
from vitrine_kit.jobs import install_statements, uninstall_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SUMMARISE = """
CREATE FUNCTION catalog.summarise_products(ids uuid[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE catalog.product AS p
    SET price_min_minor = found.lowest, price_max_minor = found.highest, currency = found.currency,
        in_stock = found.in_stock
    FROM (
        SELECT wanted.id, min(v.price_minor) AS lowest, max(v.price_minor) AS highest,
            min(v.currency) FILTER (WHERE v.price_minor IS NOT NULL) AS currency,
            coalesce(bool_or(NOT v.stock_tracked OR v.stock_on_hand > 0 OR v.stock_policy = 'continue'), false)
                AS in_stock
        FROM unnest(ids) AS wanted (id) LEFT JOIN catalog.variant AS v ON v.product_id = wanted.id
        GROUP BY wanted.id
    ) AS found
    WHERE p.id = found.id
        AND (p.price_min_minor, p.price_max_minor, p.currency, p.in_stock)
            IS DISTINCT FROM (found.lowest, found.highest, found.currency, found.in_stock);
END
"""

# Titles and labels are indexed twice: stemmed (“dresses” finds “dress”), and word by word, split at all punctuation,
# for other languages, beginnings of words and what PostgreSQL takes for paths and hosts (“10/20”). SKUs are there
# split and squeezed. What is cut off is beyond what anybody searches for, and keeps the document below
# PostgreSQL's limit of 1 MB.
INDEX = """
CREATE FUNCTION catalog.index_products(ids uuid[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO catalog.product_search AS s (product_id, document)
    SELECT p.id,
        setweight(to_tsvector('pg_catalog.english'::regconfig, p.title), 'A')
        || setweight(to_tsvector('pg_catalog.simple'::regconfig,
            regexp_replace(p.title, '[[:punct:]]+', ' ', 'g') || ' ' || codes.all_codes), 'A')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, labels.all_labels), 'B')
        || setweight(to_tsvector('pg_catalog.simple'::regconfig,
            regexp_replace(labels.all_labels, '[[:punct:]]+', ' ', 'g')), 'B')
        || setweight(to_tsvector('pg_catalog.simple'::regconfig,
            regexp_replace(choices.all_values, '[[:punct:]]+', ' ', 'g')), 'C')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, left(p.description_html, 30000)), 'D')
    FROM catalog.product AS p
    CROSS JOIN LATERAL (
        SELECT p.vendor || ' ' || p.product_type || ' ' || left(array_to_string(p.tags, ' '), 20000) AS all_labels
    ) AS labels
    CROSS JOIN LATERAL (
        SELECT coalesce(left(string_agg(each.value, ' '), 20000), '') AS all_values
        FROM jsonb_path_query(p.options, '$[*].values[*]') AS found (value)
        CROSS JOIN LATERAL (SELECT found.value #>> '{}' AS value) AS each
    ) AS choices
    CROSS JOIN LATERAL (
        SELECT coalesce(left(string_agg(
            concat_ws(' ', regexp_replace(v.sku, '[[:punct:]]+', ' ', 'g'),
                regexp_replace(v.sku, '[[:punct:][:space:]]+', '', 'g'), v.barcode), ' '), 60000), '') AS all_codes
        FROM catalog.variant AS v WHERE v.product_id = p.id
    ) AS codes
    WHERE p.id = ANY (ids)
    ON CONFLICT (product_id) DO UPDATE SET document = excluded.document
        WHERE s.document IS DISTINCT FROM excluded.document;
END
"""

PRODUCT_ADDED = """
CREATE FUNCTION catalog.on_products_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('catalog.bulk', true) = 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM catalog.index_products((SELECT array_agg(id) FROM added));
    RETURN NULL;
END $$
"""

PRODUCT_CHANGED = """
CREATE FUNCTION catalog.on_products_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    IF current_setting('catalog.bulk', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(after.id) INTO ids FROM after JOIN before USING (id)
    WHERE (after.title, after.vendor, after.product_type, after.tags, after.options, after.description_html)
        IS DISTINCT FROM
        (before.title, before.vendor, before.product_type, before.tags, before.options, before.description_html);
    IF ids IS NOT NULL THEN
        PERFORM catalog.index_products(ids);
    END IF;
    RETURN NULL;
END $$
"""

VARIANT_ADDED = """
CREATE FUNCTION catalog.on_variants_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    IF current_setting('catalog.bulk', true) = 'on' THEN
        RETURN NULL;
    END IF;
    ids := (SELECT array_agg(DISTINCT product_id) FROM added);
    IF ids IS NOT NULL THEN
        PERFORM catalog.summarise_products(ids);
        PERFORM catalog.index_products(ids);
    END IF;
    RETURN NULL;
END $$
"""

VARIANT_REMOVED = VARIANT_ADDED.replace("added", "removed")

VARIANT_CHANGED = """
CREATE FUNCTION catalog.on_variants_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    IF current_setting('catalog.bulk', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(DISTINCT product_id) INTO ids
    FROM (SELECT product_id FROM before UNION SELECT product_id FROM after) AS touched;
    IF ids IS NOT NULL THEN
        PERFORM catalog.summarise_products(ids);
    END IF;
    SELECT array_agg(DISTINCT after.product_id) INTO ids FROM after JOIN before USING (id)
    WHERE (after.sku, after.barcode, after.product_id) IS DISTINCT FROM (before.sku, before.barcode, before.product_id);
    IF ids IS NOT NULL THEN
        PERFORM catalog.index_products(ids);
    END IF;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    ("product", "on_products_added", "INSERT", "NEW TABLE AS added"),
    ("product", "on_products_changed", "UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
    ("variant", "on_variants_added", "INSERT", "NEW TABLE AS added"),
    ("variant", "on_variants_changed", "UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
    ("variant", "on_variants_removed", "DELETE", "OLD TABLE AS removed"),
)


def upgrade() -> None:
    for statement in (
        SUMMARISE,
        INDEX,
        PRODUCT_ADDED,
        PRODUCT_CHANGED,
        VARIANT_ADDED,
        VARIANT_REMOVED,
        VARIANT_CHANGED,
    ):
        op.execute(statement)
    for table, function, event, transition in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER {function} AFTER {event} ON catalog.{table} REFERENCING {transition}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION catalog.{function}()"
        )
    for statement in install_statements("catalog"):
        op.execute(statement)


def downgrade() -> None:
    for statement in uninstall_statements("catalog"):
        op.execute(statement)
    for table, function, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {function} ON catalog.{table}")
        op.execute(f"DROP FUNCTION catalog.{function}()")
    op.execute("DROP FUNCTION catalog.index_products(uuid[])")
    op.execute("DROP FUNCTION catalog.summarise_products(uuid[])")
