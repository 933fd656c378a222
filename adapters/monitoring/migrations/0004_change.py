"""A kind of probe that compares to a day ago."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0003_prometheus"),
    ]

    operations = [
        migrations.AlterField(
            model_name="probe",
            name="kind",
            field=models.CharField(
                choices=[
                    ("http", "http"),
                    ("tcp", "tcp"),
                    ("directory", "directory"),
                    ("filesystem", "filesystem"),
                    ("load", "load"),
                    ("prometheus", "prometheus"),
                    ("change", "change"),
                ],
                max_length=16,
            ),
        ),
    ]
