"""Columns added, renamed and retyped while there are rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]
    operations = [
        migrations.AddField("author", "born", models.DateField(null=True)),
        migrations.AlterField("author", "name", models.CharField(max_length=80, unique=True)),
        migrations.RenameField("book", "name", "title"),
        migrations.AlterField("book", "title", models.CharField(db_index=True, max_length=200)),
        migrations.AlterField("book", "price", models.DecimalField(decimal_places=2, default=0, max_digits=8)),
    ]
