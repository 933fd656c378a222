"""Problems, changes, service requests, and what each of them says of itself."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_four_classes.sql"
# A column's type cannot change under a view; the file makes these anew.
BEFORE = "DROP VIEW reading.ticket, reading.ticket_passage;"


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0004_passages"),
    ]

    operations = [
        migrations.RunSQL(BEFORE),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="change",
                        serialize=False,
                        to="tickets.ticket",
                    ),
                ),
                (
                    "change_type",
                    models.CharField(
                        choices=[
                            ("standard", "standard"),
                            ("normal", "normal"),
                            ("emergency", "emergency"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(db_default="")),
                ("planned_start", models.DateTimeField(null=True)),
                ("planned_end", models.DateTimeField(null=True)),
                ("implementer", models.CharField(db_default="", max_length=150)),
                ("backout", models.TextField(db_default="", help_text="how it is undone")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("successful", "successful"),
                            ("failed", "failed"),
                            ("backed_out", "backed_out"),
                            ("cancelled", "cancelled"),
                        ],
                        db_default="",
                        max_length=16,
                    ),
                ),
                ("decided_by", models.CharField(db_default="", max_length=150)),
                ("decision", models.TextField(db_default="")),
            ],
            options={
                "verbose_name": "change",
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("caused_by", "caused_by"),
                            ("solved_by", "solved_by"),
                            ("follows", "follows"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "link between tickets",
                "verbose_name_plural": "links between tickets",
            },
        ),
        migrations.CreateModel(
            name="Problem",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="problem",
                        serialize=False,
                        to="tickets.ticket",
                    ),
                ),
                (
                    "known_error",
                    models.BooleanField(
                        db_default=False,
                        help_text="its workaround may be used while the cause is still there",
                    ),
                ),
                ("workaround", models.TextField(db_default="")),
                ("root_cause", models.TextField(db_default="")),
            ],
            options={
                "verbose_name": "problem",
            },
        ),
        migrations.CreateModel(
            name="Request",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="request",
                        serialize=False,
                        to="tickets.ticket",
                    ),
                ),
                ("answers", models.JSONField()),
                ("approver_role", models.CharField(db_default="", max_length=150)),
                ("decided_by", models.CharField(db_default="", max_length=150)),
                ("decision", models.TextField(db_default="")),
            ],
            options={
                "verbose_name": "service request",
            },
        ),
        migrations.CreateModel(
            name="RequestModel",
            fields=[
                ("slug", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=120)),
                ("description", models.TextField(db_default="")),
                ("service", models.CharField(db_default="", max_length=64)),
                ("team", models.CharField(db_default="", max_length=64)),
                (
                    "approver_role",
                    models.CharField(
                        db_default="",
                        help_text="a group of people; empty asks for no approval",
                        max_length=150,
                    ),
                ),
                (
                    "impact",
                    models.SmallIntegerField(choices=[(1, "high"), (2, "medium"), (3, "low")]),
                ),
                (
                    "urgency",
                    models.SmallIntegerField(choices=[(1, "high"), (2, "medium"), (3, "low")]),
                ),
                ("fields", models.JSONField(help_text="what a requester is asked")),
                ("steps", models.JSONField(help_text="what is done to fulfil it, in this order")),
                ("retired", models.BooleanField(db_default=False)),
            ],
            options={
                "verbose_name": "request model",
                "ordering": ["title", "slug"],
            },
        ),
        migrations.CreateModel(
            name="RequestStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n", models.SmallIntegerField()),
                ("title", models.CharField(max_length=200)),
                ("done_by", models.CharField(db_default="", max_length=150)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "step of a request",
                "verbose_name_plural": "steps of requests",
                "ordering": ["ticket", "n"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="ticket",
            name="ticket_class_known",
        ),
        migrations.RemoveConstraint(
            model_name="ticket",
            name="ticket_state_known",
        ),
        migrations.RemoveConstraint(
            model_name="ticket",
            name="ticket_one_open_incident_per_cause",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_open",
        ),
        migrations.AddField(
            model_name="ticket",
            name="pending_reason",
            field=models.CharField(db_default="", help_text="while it waits", max_length=16),
        ),
        migrations.AddField(
            model_name="ticket",
            name="reopens",
            field=models.IntegerField(db_default=0, help_text="how often it was opened again"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="requester",
            field=models.CharField(
                db_default="",
                help_text="the person whose wish it is; nobody of an alert",
                max_length=150,
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="service",
            field=models.CharField(db_default="", help_text="the slug of a service", max_length=64),
        ),
        migrations.AlterField(
            model_name="deed",
            name="state",
            field=models.CharField(max_length=32),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="state",
            field=models.CharField(db_default="new", max_length=32),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="ticket_class",
            field=models.CharField(
                choices=[
                    ("incident", "incident"),
                    ("problem", "problem"),
                    ("change", "change"),
                    ("request", "request"),
                ],
                max_length=16,
                verbose_name="class",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("priority"),
                models.F("opened_at"),
                condition=models.Q(
                    (
                        "state__in",
                        ["closed", "failed", "implemented", "monitored", "rejected", "resolved"],
                    ),
                    _negated=True,
                ),
                name="ticket_open",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("requester"),
                condition=models.Q(("requester", ""), _negated=True),
                name="ticket_requester",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ticket_class__in", ("incident", "problem", "change", "request"))
                ),
                name="ticket_class_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "state__in",
                            ("new", "assigned", "pending", "escalated", "resolved", "closed"),
                        ),
                        ("ticket_class", "incident"),
                    ),
                    models.Q(
                        ("state__in", ("new", "assigned", "resolved", "closed")),
                        ("ticket_class", "problem"),
                    ),
                    models.Q(
                        (
                            "state__in",
                            (
                                "new",
                                "validated",
                                "rejected",
                                "assigned",
                                "planned",
                                "approved",
                                "notapproved",
                                "implementing",
                                "implemented",
                                "monitored",
                                "failed",
                                "closed",
                            ),
                        ),
                        ("ticket_class", "change"),
                    ),
                    models.Q(
                        (
                            "state__in",
                            (
                                "new",
                                "waiting_for_approval",
                                "approved",
                                "rejected",
                                "assigned",
                                "pending",
                                "escalated",
                                "resolved",
                                "closed",
                            ),
                        ),
                        ("ticket_class", "request"),
                    ),
                    _connector="OR",
                ),
                name="ticket_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("ticket_class", "incident"),
                    models.Q(
                        (
                            "state__in",
                            [
                                "closed",
                                "failed",
                                "implemented",
                                "monitored",
                                "rejected",
                                "resolved",
                            ],
                        ),
                        _negated=True,
                    ),
                ),
                fields=("cause_key",),
                name="ticket_one_open_incident_per_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.CheckConstraint(
                condition=models.Q(("change_type__in", ("standard", "normal", "emergency"))),
                name="change_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("outcome__in", ("", "successful", "failed", "backed_out", "cancelled"))
                ),
                name="change_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.CheckConstraint(
                condition=models.Q(("planned_end__gt", models.F("planned_start"))),
                name="change_window",
            ),
        ),
        migrations.AddField(
            model_name="link",
            name="other",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="linked",
                to="tickets.ticket",
            ),
        ),
        migrations.AddField(
            model_name="link",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="links",
                to="tickets.ticket",
            ),
        ),
        migrations.AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("known_error", False),
                    models.Q(("workaround", ""), _negated=True),
                    _connector="OR",
                ),
                name="problem_known_with_workaround",
            ),
        ),
        migrations.AddField(
            model_name="request",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="tickets.requestmodel",
            ),
        ),
        migrations.AddField(
            model_name="requeststep",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="tickets.ticket",
            ),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.UniqueConstraint(
                fields=("ticket", "kind", "other"), name="link_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("caused_by", "solved_by", "follows"))),
                name="link_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.CheckConstraint(
                condition=models.Q(("ticket", models.F("other")), _negated=True),
                name="link_with_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="requeststep",
            constraint=models.UniqueConstraint(fields=("ticket", "n"), name="requeststep_numbered"),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
