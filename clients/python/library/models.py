from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=80, unique=True)
    born = models.DateField(null=True)


class Tag(models.Model):
    word = models.SlugField(primary_key=True)


class Book(models.Model):
    title = models.CharField(max_length=200, db_index=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    sequel_of = models.OneToOneField("self", models.SET_NULL, null=True)
    tags = models.ManyToManyField(Tag, through="Tagging")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    facts = models.JSONField(default=dict)
    words = ArrayField(models.CharField(max_length=20), default=list)
    on_loan = DateTimeRangeField(null=True)
    reading_time = models.DurationField(null=True)
    cover = models.BinaryField(null=True)

    class Meta:
        ordering = ["title"]
        indexes = [models.Index(fields=["author", "-price"], name="book_author_price")]
        constraints = [
            models.CheckConstraint(check=models.Q(price__gte=0), name="book_price"),
            models.UniqueConstraint(fields=["title"], condition=models.Q(price=0), name="book_free_title"),
        ]


class Tagging(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)
    tag = models.ForeignKey(Tag, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    stars = models.PositiveSmallIntegerField(null=True)
