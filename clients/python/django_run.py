"""Django as Debian packages it, against the server that QUORAL_URL names, in a database of its own. Prints one line a test."""

import datetime
import decimal
import io
import os
import sys
import threading
import urllib.parse

import django
import psycopg2
from django.conf import settings

URL = os.environ["QUORAL_URL"]
NAME = "clients_django"
PLACE = urllib.parse.urlsplit(URL)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": PLACE.hostname,
            "PORT": PLACE.port or 5432,
            "USER": PLACE.username or "postgres",
            "PASSWORD": PLACE.password or "",
            "NAME": NAME,
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres", "library"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SECRET_KEY="clients",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Subquery, Sum, Window  # noqa: E402
from django.db.models.functions import Lower, RowNumber, TruncYear  # noqa: E402
from library.models import Author, Book, Tag, Tagging  # noqa: E402
from tests import run_all, test  # noqa: E402

UTC = datetime.timezone.utc


def command(*arguments, **options):
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def equal(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"


def refused(error, function):
    try:
        with transaction.atomic():
            function()
    except error as given:
        return given
    raise AssertionError(f"no {error.__name__}")


@test
def migrates_up_over_rows():
    command("migrate", "library", "0001", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO library_author (name) VALUES ('Ada') RETURNING id")
        author = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO library_book (name, price, facts, words, author_id) VALUES ('Notes', 1250, '{}', '{}', %s)", [author]
        )
    command("migrate", verbosity=0)
    equal(Book.objects.get(title="Notes").price, decimal.Decimal("12.50"))
    equal(command("makemigrations", "--check", "--dry-run", verbosity=1).strip(), "No changes detected")


@test
def objects_and_relations():
    ada = Author.objects.get(name="Ada")
    bob, made = Author.objects.get_or_create(name="Bob", defaults={"born": datetime.date(1950, 2, 3)})
    assert made and not Author.objects.get_or_create(name="Bob")[1]
    equal(Author.objects.update_or_create(name="Bob", defaults={"born": datetime.date(1951, 2, 3)})[1], False)
    books = Book.objects.bulk_create(
        [Book(title=f"Book {i}", author=bob if i % 2 else ada, price=i, words=["w", str(i)]) for i in range(1, 21)]
    )
    assert all(book.pk for book in books)
    Tag.objects.bulk_create([Tag(word="a"), Tag(word="b")])
    equal(len(Tag.objects.bulk_create([Tag(word="a"), Tag(word="c")], ignore_conflicts=True)), 2)
    books[0].tags.add("a", "b")
    books[1].tags.set(["a"])
    books[1].sequel_of = books[0]
    books[1].save()
    equal(list(Tag.objects.filter(book=books[0]).order_by("word").values_list("word", flat=True)), ["a", "b"])
    with_tags = {b.title: len(b.tags.all()) for b in Book.objects.select_related("author", "sequel_of").prefetch_related("tags")}
    equal((with_tags["Book 1"], with_tags["Book 2"], with_tags["Notes"]), (2, 1, 0))
    refused(models.ProtectedError, lambda: Tag.objects.get(word="a").delete())
    equal(Tag.objects.filter(word="c").delete()[0], 1)


@test
def queries():
    counts = Author.objects.annotate(n=Count("books"), total=Sum("books__price"), mean=Avg("books__price")).order_by("name")
    equal([(a.name, a.n, a.total) for a in counts], [("Ada", 11, decimal.Decimal("122.50")), ("Bob", 10, decimal.Decimal(100))])
    dearest = Book.objects.filter(author=OuterRef("pk")).order_by("-price").values("title")[:1]
    equal([a.dearest for a in Author.objects.annotate(dearest=Subquery(dearest)).order_by("pk")], ["Book 20", "Book 19"])
    equal(Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"), price__gt=19))).get().name, "Ada")
    numbered = Book.objects.annotate(
        n=Window(RowNumber(), partition_by=[F("author")], order_by=F("price").desc())
    ).order_by("author__name", "n")
    equal([b.n for b in numbered[9:13]], [10, 11, 1, 2])
    equal(Book.objects.filter(Q(price__in=[3, 4]) | ~Q(title__startswith="Book")).count(), 3)
    equal(Book.objects.update(price=F("price") + 1), 21)
    equal(Book.objects.filter(title__icontains="NOTES").values_list(Lower("title"), flat=True).get(), "notes")
    years = Author.objects.filter(born__isnull=False).annotate(year=TruncYear("born")).values_list("year", flat=True)
    equal(list(years), [datetime.date(1951, 1, 1)])
    equal(len(Book.objects.filter(price__lt=5).union(Book.objects.filter(price__gt=19))), 5)
    for book in (books := list(Book.objects.all())):
        book.reading_time = datetime.timedelta(minutes=book.pk % 7)
    equal(Book.objects.bulk_update(books, ["reading_time"], batch_size=8) or 21, 21)
    equal(sum(1 for _ in Book.objects.iterator(chunk_size=4)), 21)
    equal(Book.objects.dates("author__born", "month").count(), 1)
    equal(Book.objects.order_by("author_id", "-price").distinct("author_id").count(), 2)
    for form in ("text", "json", "yaml", "xml"):
        assert Book.objects.filter(pk=1).explain(format=form), form


@test
def documents_arrays_ranges_and_bytes():
    book = Book.objects.get(title="Notes")
    book.facts = {"pages": 120, "by": {"name": "é", "null": None}, "list": [1, "two", 3.5]}
    book.words = ["one", "two", "three"]
    start = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    book.on_loan = (start, start + datetime.timedelta(days=3))
    book.cover = b"\x00\xff\\"
    book.save()
    book.refresh_from_db()
    equal((book.facts["by"]["name"], book.facts["list"], bytes(book.cover)), ("é", [1, "two", 3.5], b"\x00\xff\\"))
    equal((book.on_loan.lower, book.on_loan.upper - book.on_loan.lower), (start, datetime.timedelta(days=3)))
    for condition in (
        Q(facts__pages=120),
        Q(facts__pages__gte=100),
        Q(facts__by__name="é"),
        Q(facts__by__null=None),
        Q(facts__has_key="pages"),
        Q(facts__has_any_keys=["x", "list"]),
        Q(facts__contains={"by": {"name": "é"}}),
        Q(facts__list__1="two"),
        Q(words__contains=["two"]),
        Q(words__overlap=["two", "four"]),
        Q(words__len=3),
        Q(words__0="one"),
        Q(words__0_2=["one", "two"]),
        Q(on_loan__contains=start),
        Q(on_loan__overlap=(start, None)),
        Q(on_loan__startswith__year=2024),
    ):
        equal(Book.objects.filter(condition).values_list("title", flat=True).first(), "Notes")
    equal(Book.objects.filter(facts__absent__isnull=False).count(), 0)


@test
def constraints():
    ada = Author.objects.get(name="Ada")
    assert "book_price" in str(refused(IntegrityError, lambda: Book.objects.create(title="x", author=ada, price=-1)))
    Book.objects.create(title="free", author=ada)
    assert "book_free_title" in str(refused(IntegrityError, lambda: Book.objects.create(title="free", author=ada)))
    Book.objects.create(title="free", author=ada, price=1)
    assert "unique" in str(refused(IntegrityError, lambda: Author.objects.create(name="Ada")))
    # Foreign keys are deferred: the block's end refuses it.
    assert "foreign key" in str(refused(IntegrityError, lambda: Book.objects.create(title="y", author_id=ada.pk + 1000)))
    equal(Book.objects.filter(title="free").delete()[0], 2)


@test
def transactions():
    seen = []
    with transaction.atomic():
        Author.objects.create(name="Carl")
        refused(IntegrityError, lambda: Author.objects.create(name="Carl"))
        with transaction.atomic():
            Author.objects.create(name="Dora")
            transaction.set_rollback(True)
        transaction.on_commit(lambda: seen.append("committed"))
        equal(seen, [])
    equal((seen, Author.objects.filter(name__in=["Carl", "Dora"]).count()), (["committed"], 1))
    refused(ZeroDivisionError, lambda: Author.objects.filter(name="Carl").update(born=datetime.date(1, 1, 1 // 0)))
    equal(Author.objects.filter(name="Carl").delete()[0], 1)


def elsewhere(function):
    """In another session."""
    results = []

    def run():
        try:
            with transaction.atomic():
                results.append(function())
        except DatabaseError as error:
            results.append(type(error.__cause__).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


@test
def select_for_update():
    tags = Tag.objects.order_by("word")
    with transaction.atomic():
        equal(tags.select_for_update().filter(word="a").get().word, "a")
        equal(elsewhere(lambda: len(tags.select_for_update(nowait=True))), "LockNotAvailable")
        equal(elsewhere(lambda: [t.word for t in tags.select_for_update(skip_locked=True)]), ["b"])
        taggings = Tagging.objects.select_related("book").select_for_update(of=("self",), no_key=True)
        equal(taggings.count() > 0 and taggings.first().book.title.startswith("Book"), True)
    equal(elsewhere(lambda: [t.word for t in tags.select_for_update(nowait=True)]), ["a", "b"])


@test
def inspectdb():
    text = command("inspectdb")
    for part in (
        "class LibraryBook(models.Model):",
        "title = models.CharField(",
        "price = models.DecimalField(max_digits=8, decimal_places=2)",
        "facts = models.JSONField()",
        "author = models.ForeignKey(LibraryAuthor, models.DO_NOTHING)",
        "sequel_of = models.OneToOneField('self', models.DO_NOTHING, blank=True, null=True)",
        "name = models.CharField(unique=True, max_length=80)",
    ):
        assert part in text, part
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "library_book")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'library_book' AND indexname LIKE '%\\_like'")
        assert cursor.fetchone()[0].endswith("USING btree (title varchar_pattern_ops)")
    equal((found["book_author_price"]["orders"], found["book_price"]["check"]), (["ASC", "DESC"], True))


@test
def dumps_flushes_and_loads():
    path = f"/tmp/{NAME}-{os.getpid()}.json"
    before = (Book.objects.count(), Tagging.objects.count())
    try:
        command("dumpdata", "library", output=path)
        command("flush", interactive=False)
        equal(Book.objects.count(), 0)
        command("loaddata", path)
    finally:
        os.unlink(path)
    equal((Book.objects.count(), Tagging.objects.count()), before)
    # The sequence goes on behind what was loaded.
    last = Author.objects.order_by("-pk").first().pk
    assert Author.objects.create(name="Last").pk > last


@test
def migrates_down():
    command("migrate", "library", "0001", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT price FROM library_book WHERE name = 'Notes'")
        equal(cursor.fetchone()[0], 1350)
    command("migrate", "library", "zero", verbosity=0)
    left = [table for table in connection.introspection.table_names() if table.startswith("library_")]
    equal(left, [])


def administer(statement):
    link = psycopg2.connect(URL)
    link.autocommit = True
    link.cursor().execute(statement)
    link.close()


def main():
    administer(f"DROP DATABASE IF EXISTS {NAME}")
    administer(f"CREATE DATABASE {NAME}")
    failed = run_all(after_failure=connection.close)
    connection.close()
    administer(f"DROP DATABASE {NAME}")
    sys.exit(1 if failed else 0)


main()
