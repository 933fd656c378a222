"""How far agents may go: levels with figures, verdicts, calibration, the breaker."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ethops.api import acts
from ethops.api.reading import AtTheDesk, Shelf
from ethops.world import autonomy
from personas.autonomy.models import Judgement
from personas.autonomy.states import BREAKER_STATES, VERDICTS
from personas.states import LEVELS


class TripleFiguresOut(serializers.Serializer[Any]):
    """How often it was right; healed alone counts neither way."""

    right = serializers.IntegerField()
    wrong = serializers.IntegerField()
    unknown = serializers.IntegerField()
    healed_alone = serializers.IntegerField()
    proven = serializers.FloatField()


class TripleOut(serializers.Serializer[Any]):
    """A card, an entry, a class of CI, and how far it goes."""

    card = serializers.CharField()
    entry = serializers.CharField()
    ci_class = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    set_by = serializers.CharField()
    why = serializers.CharField()
    set_at = serializers.DateTimeField(allow_null=True)
    figures = TripleFiguresOut()


class KeptLevelOut(serializers.Serializer[Any]):
    """A CI on which a card goes less far than on its class."""

    card = serializers.CharField(source="card_id")
    entry = serializers.CharField()
    ci = serializers.CharField(source="ci_ref")
    ci_class = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    set_by = serializers.CharField()
    why = serializers.CharField()
    set_at = serializers.DateTimeField()


class BarOut(serializers.Serializer[Any]):
    """What a level asks for."""

    level = serializers.CharField()
    least = serializers.IntegerField()
    lower = serializers.FloatField()


class EngineStandingOut(serializers.Serializer[Any]):
    """The figures of an engine's confidence."""

    outcomes = serializers.IntegerField()
    plays = serializers.IntegerField()
    sound = serializers.IntegerField()
    brier = serializers.FloatField(allow_null=True)
    ece = serializers.FloatField(allow_null=True)
    over = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField()


class CalibratedOut(serializers.Serializer[Any]):
    """One engine in the hands of one card."""

    card = serializers.CharField()
    engine = serializers.CharField()
    standing = EngineStandingOut()
    why_not = serializers.CharField()


class AnomalyOut(serializers.Serializer[Any]):
    """What went wrong lately, of one rule."""

    rule = serializers.CharField()
    seen = serializers.IntegerField()
    most = serializers.IntegerField()


class BreakerRowOut(serializers.Serializer[Any]):
    """The breaker's row."""

    state = serializers.ChoiceField(choices=BREAKER_STATES)
    rule = serializers.CharField()
    reason = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    by = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class BreakerOut(serializers.Serializer[Any]):
    """The breaker, and what went wrong within its window."""

    breaker = BreakerRowOut()
    anomalies = AnomalyOut(many=True)
    window_s = serializers.IntegerField()


class AutonomyOut(serializers.Serializer[Any]):
    """All of it."""

    triples = TripleOut(many=True)
    bars = BarOut(many=True)
    kept = KeptLevelOut(many=True)
    calibrations = CalibratedOut(many=True)
    breaker = BreakerOut()


class VerdictOut(serializers.Serializer[Any]):
    """Whether one change was right."""

    action = serializers.UUIDField(source="action_id")
    ticket = serializers.CharField(source="action.ticket_ref")
    target = serializers.CharField(source="action.target")
    card = serializers.CharField(source="card_id")
    entry = serializers.CharField()
    ci_class = serializers.CharField()
    engine = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(choices=VERDICTS)
    proven_false = serializers.BooleanField()
    healed_alone = serializers.BooleanField()
    why = serializers.CharField()
    judged_by = serializers.CharField()
    judged_at = serializers.DateTimeField()


class LevelAsked(serializers.Serializer[Any]):
    """How far, and why."""

    card = serializers.CharField(max_length=60)
    entry = serializers.CharField(max_length=60)
    ci_class = serializers.CharField(max_length=60)
    ci = serializers.CharField(
        max_length=200, required=False, default="", help_text="for this CI of the class alone"
    )
    level = serializers.ChoiceField(choices=LEVELS)
    why = serializers.CharField(max_length=2000)
    against_the_figures = serializers.BooleanField(required=False, default=False)


class VerdictIn(serializers.Serializer[Any]):
    """What a person says of a change."""

    action = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=("right", "false"))
    why = serializers.CharField(max_length=2000)


class BreakerIn(serializers.Serializer[Any]):
    """Where the breaker goes, and why."""

    to = serializers.ChoiceField(choices=("open", "closed"))
    why = serializers.CharField(max_length=2000)


class AutonomyView(APIView):
    """How far agents may go."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=AutonomyOut)
    def get(self, request: Request) -> Response:
        """Return levels, figures, calibration and the breaker."""
        del request
        return Response(
            AutonomyOut(
                {
                    "triples": autonomy.triples(),
                    "bars": autonomy.bars(),
                    "kept": autonomy.kept(),
                    "calibrations": autonomy.calibrations(),
                    "breaker": autonomy.breaker(),
                }
            ).data
        )


class LevelsView(APIView):
    """Levels, for those who may set them."""

    permission_classes = (AtTheDesk,)

    @extend_schema(request=LevelAsked, responses=TripleOut)
    def post(self, request: Request) -> Response:
        """Set a level in the name of the person who asks."""
        _may(request)
        form = LevelAsked(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        known = {(t.card, t.entry, t.ci_class) for t in autonomy.triples()}
        key = (said["card"], said["entry"], said["ci_class"])
        if key not in known:
            raise exceptions.NotFound("No card has a right to this entry on this class of CI.")
        acts.set_level(**said, person=request.user.get_username())
        found = next(t for t in autonomy.triples() if (t.card, t.entry, t.ci_class) == key)
        return Response(TripleOut(found).data)


class Verdicts(Shelf[Judgement]):
    """Verdicts on changes, newest first."""

    serializer_class = VerdictOut
    lookup_field = "action_id"
    lookup_value_regex = "[0-9a-f-]{36}"
    filters: ClassVar = {
        "verdict": ("verdict", serializers.ChoiceField(choices=VERDICTS)),
        "card": ("card_id", serializers.CharField(max_length=60)),
        "entry": ("entry", serializers.CharField(max_length=60)),
        "ticket": ("action__ticket_ref", serializers.CharField(max_length=40)),
    }

    def get_queryset(self) -> QuerySet[Judgement]:
        """Return all verdicts."""
        return autonomy.verdicts()

    @extend_schema(request=VerdictIn, responses=VerdictOut)
    def create(self, request: Request) -> Response:
        """Say of a change that it was right, or a false action, in the asker's name."""
        form = VerdictIn(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        if said["verdict"] == "right":
            _may(request)
        acts.judge(
            action_id=said["action"],
            person=request.user.get_username(),
            verdict=said["verdict"],
            why=said["why"],
        )
        return Response(VerdictOut(autonomy.verdict_of(said["action"])).data)


class BreakerView(APIView):
    """The fleet's breaker, for those who may move it."""

    permission_classes = (AtTheDesk,)

    @extend_schema(request=BreakerIn, responses=BreakerOut)
    def post(self, request: Request) -> Response:
        """Open or close it in the name of the person who asks."""
        _may(request)
        form = BreakerIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.move_breaker(person=request.user.get_username(), **form.validated_data)
        return Response(BreakerOut(autonomy.breaker()).data)


def _may(request: Request) -> None:
    if not request.user.has_perm(acts.MAY_SET_LEVELS):
        raise exceptions.PermissionDenied("You may not do this; ask somebody who may set levels.")
