"""Relations, indexes and constraints."""

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0003_cents")]
    operations = [
        migrations.AddField("book", "on_loan", django.contrib.postgres.fields.ranges.DateTimeRangeField(null=True)),
        migrations.AddField(
            "book",
            "sequel_of",
            models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, to="library.book"),
        ),
        migrations.AddField("book", "tags", models.ManyToManyField(through="library.Tagging", to="library.Tag")),
        migrations.AddField(
            "tagging",
            "at",
            models.DateTimeField(auto_now_add=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AlterModelOptions("book", {"ordering": ["title"]}),
        migrations.AddIndex("book", models.Index(fields=["author", "-price"], name="book_author_price")),
        migrations.AddConstraint("book", models.CheckConstraint(check=models.Q(price__gte=0), name="book_price")),
        migrations.AddConstraint(
            "book",
            models.UniqueConstraint(condition=models.Q(price=0), fields=["title"], name="book_free_title"),
        ),
    ]
