"""psycopg2 and SQLAlchemy as Debian packages them, against the server that QUORAL_URL names. Prints one line a test."""

import os
import sys

import psycopg2
import psycopg2.extras
import sqlalchemy as sa

sys.dont_write_bytecode = True

from tests import run_all, test  # noqa: E402

URL = os.environ["QUORAL_URL"]
SCHEMA = "clients_python"


def connect():
    return psycopg2.connect(URL, options=f"-c search_path={SCHEMA}")


@test
def types_come_back_as_they_went():
    values = (1, "é", None, True, [1, None], b"\x00\xff")
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s::int, %s::text, %s::text, %s::bool, %s::int[], %s::bytea", values)
        row = cursor.fetchone()
    assert row[:5] == values[:5] and bytes(row[5]) == values[5], row


@test
def encodings_of_the_client():
    with connect() as connection, connection.cursor() as cursor:
        for encoding, text in (("LATIN1", "caf\xe9"), ("WIN1252", "5 \u20ac"), ("SJIS", "\u65e5\u672c"), ("UTF8", "\U0001f600")):
            connection.set_client_encoding(encoding)
            cursor.execute("SELECT %s::text, length(%s), encode(convert_to(%s, 'UTF8'), 'hex')", (text, text, text))
            assert cursor.fetchone() == (text, len(text), text.encode().hex()), encoding
        connection.set_client_encoding("LATIN1")
        try:
            cursor.execute("SELECT chr(8364)")
            raise AssertionError("not refused")
        except psycopg2.errors.UntranslatableCharacter as error:
            assert 'has no equivalent in encoding "LATIN1"' in str(error), error


@test
def arrays_of_nulls():
    with connect() as connection, connection.cursor() as cursor:
        for value in ([[None, None], [1, None]], [[[None, None], [None, None]]]):
            cursor.execute("SELECT %s::int[]", (value,))
            assert cursor.fetchone()[0] == value, value


@test
def every_isolation_level_is_shown_as_it_was_asked_for():
    connection = connect()
    for level in ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        connection.set_session(isolation_level=level)
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone()[0] == level.lower()
        connection.rollback()
    connection.close()


@test
def server_side_cursor_in_steps():
    with connect() as connection, connection.cursor("steps") as cursor:
        cursor.itersize = 7
        cursor.execute("SELECT g FROM generate_series(1, %s) g", (30,))
        assert [row[0] for row in cursor] == list(range(1, 31))


@test
def many_rows_in_one_statement():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE many (a int PRIMARY KEY, b text)")
        rows = psycopg2.extras.execute_values(
            cursor, "INSERT INTO many VALUES %s RETURNING a", [(i, str(i)) for i in range(250)], fetch=True
        )
        assert len(rows) == 250


@test
def a_session_that_ends_itself_is_gone():
    connection = connect()
    try:
        connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
    except psycopg2.OperationalError:
        assert connection.closed
    else:
        raise AssertionError("no error")


@test
def sqlalchemy_makes_reflects_and_drops():
    engine = sa.create_engine(URL, connect_args={"options": f"-c search_path={SCHEMA}"})
    metadata = sa.MetaData()
    sa.Table("author", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)))
    book = sa.Table(
        "book",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("author_id", sa.ForeignKey("author.id", ondelete="CASCADE"), nullable=False),
        sa.Column("price", sa.Numeric(10, 2), sa.CheckConstraint("price > 0 OR price IS NULL", name="positive")),
        sa.Column("tags", sa.dialects.postgresql.ARRAY(sa.Text), server_default="{}"),
    )
    sa.Index("book_lower", sa.func.abs(book.c.price), postgresql_where=book.c.price > 1)
    metadata.create_all(engine)
    look = sa.inspect(engine)
    assert look.get_pk_constraint("book")["constrained_columns"] == ["id"]
    assert look.get_foreign_keys("book")[0]["options"] == {"ondelete": "CASCADE"}
    check = look.get_check_constraints("book")[0]["sqltext"]
    assert check == "(price > (0)::numeric) OR (price IS NULL)", check
    assert {column["name"] for column in look.get_columns("book")} == {"id", "author_id", "price", "tags"}
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO author VALUES (1, 'A')"))
        made = connection.execute(book.insert().values(author_id=1, price=2).returning(book.c.id, book.c.tags)).one()
        assert made.tags == [], made
        assert connection.execute(sa.select(book.c.price).where(book.c.id == made.id)).scalar() == 2
    metadata.drop_all(engine)
    assert sa.inspect(engine).get_table_names() == ["many"]
    engine.dispose()


@test
def errors_have_their_classes():
    connection = connect()
    cursor = connection.cursor()
    for statement, error in (
        ("SELECT 1/0", psycopg2.errors.DivisionByZero),
        ("SELECT * FROM nowhere", psycopg2.errors.UndefinedTable),
        ("INSERT INTO many VALUES (1, 'x')", psycopg2.errors.UniqueViolation),
    ):
        try:
            cursor.execute(statement)
        except error:
            connection.rollback()
        else:
            raise AssertionError(statement)
    connection.close()


def main():
    with psycopg2.connect(URL) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    failed = run_all()
    with psycopg2.connect(URL) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    sys.exit(1 if failed else 0)


main()
