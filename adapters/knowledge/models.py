"""The index as rows: what stands in the repository decides, and all of it can be made anew."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from adapters.knowledge.fields import Real


class Index(models.Model):
    """Where the index stands; one row, made at the first look."""

    commit = models.CharField(max_length=64, db_default="")
    cut_by = models.IntegerField(db_default=0, help_text="the rules by which passages were cut")
    indexed_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    busy_until = models.DateTimeField(null=True)

    class Meta:
        """One."""

        verbose_name = "state of the index"
        verbose_name_plural = "state of the index"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="knowledge_one_index")]

    def __str__(self) -> str:
        return self.commit or "nothing yet"


class Document(models.Model):
    """A document that is merged and has no fault."""

    ref = models.CharField("id", primary_key=True, max_length=100)
    path = models.CharField(max_length=400)
    blob = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    kind = models.CharField("type", max_length=20)
    owner = models.CharField(max_length=200)
    review_due = models.DateField(null=True)
    tags = ArrayField(models.TextField())
    text = models.TextField()

    class Meta:
        """Found by tags."""

        verbose_name = "document"
        indexes = [GinIndex(fields=["tags"], name="knowledge_by_tags")]

    def __str__(self) -> str:
        return self.ref


class Chunk(models.Model):
    """A passage; a column beside these holds its words, which PostgreSQL keeps."""

    ref = models.CharField("id", primary_key=True, max_length=64)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    place = models.IntegerField(help_text="within the document, from 1")
    heading = ArrayField(models.TextField())
    about = models.TextField(help_text="title and headings, which are searched too")
    text = models.TextField()
    first_line = models.IntegerField()
    last_line = models.IntegerField()

    class Meta:
        """In the order of the document."""

        verbose_name = "passage"
        indexes = [models.Index(fields=["document", "place"], name="knowledge_in_order")]

    def __str__(self) -> str:
        return f"{self.document_id}#L{self.first_line}-L{self.last_line}"


class VectorModel(models.Model):
    """A model that has made vectors, by its digest, and how many numbers each has."""

    digest = models.CharField(primary_key=True, max_length=100)
    numbers = models.IntegerField()

    class Meta:
        """As many numbers as pgvector takes at most."""

        verbose_name = "model of vectors"
        verbose_name_plural = "models of vectors"
        constraints = [
            models.CheckConstraint(
                condition=Q(numbers__gte=1, numbers__lte=16_000), name="knowledge_numbers_bounded"
            )
        ]

    def __str__(self) -> str:
        return self.digest


class Vector(models.Model):
    """What a model made of a passage; the database holds it to that model's count of numbers."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="vectors")
    model = models.ForeignKey(VectorModel, on_delete=models.CASCADE)
    numbers = ArrayField(Real())
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One of each model."""

        verbose_name = "vector"
        constraints = [
            models.UniqueConstraint(fields=["chunk", "model"], name="knowledge_vector_once")
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id} by {self.model_id}"


class Fault(models.Model):
    """Why a document is left out."""

    path = models.CharField(max_length=400)
    line = models.IntegerField()
    what = models.CharField(max_length=1000)
    mend = models.CharField(max_length=1000)

    class Meta:
        """As the last commit has them."""

        verbose_name = "fault"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
