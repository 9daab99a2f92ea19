"""Rows changed: PostgreSQL refuses that beside changes of their table."""

from django.db import migrations, models


def cents(apps, schema_editor):
    apps.get_model("library", "Book").objects.update(price=models.F("price") / 100)


def whole(apps, schema_editor):
    apps.get_model("library", "Book").objects.update(price=models.F("price") * 100)


class Migration(migrations.Migration):
    dependencies = [("library", "0002_columns")]
    operations = [migrations.RunPython(cents, whole)]
