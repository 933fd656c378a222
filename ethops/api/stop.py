"""The stop: look at it, press it, lift it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ethops.api import acts
from ethops.api.reading import AtTheDesk
from ethops.world import house


class StopOut(serializers.Serializer[Any]):
    """Whether it is pressed, by whom, when and why."""

    stopped = serializers.BooleanField()
    by = serializers.CharField()
    why = serializers.CharField()
    at = serializers.DateTimeField()


class WhyIn(serializers.Serializer[Any]):
    """The reason, in words."""

    why = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class ReasonIn(serializers.Serializer[Any]):
    """The reason, in words; to resume, there must be one."""

    why = serializers.CharField(max_length=2000)


class StopView(APIView):
    """The stop of this site."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=StopOut)
    def get(self, request: Request) -> Response:
        """Tell whether it is pressed."""
        del request
        return Response(StopOut(house.stop()).data)

    @extend_schema(request=WhyIn, responses=StopOut)
    def post(self, request: Request) -> Response:
        """Press it: nothing new is claimed from now on."""
        form = WhyIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.stop(person=request.user.get_username(), why=form.validated_data["why"])
        return Response(StopOut(house.stop()).data)


class ResumeView(APIView):
    """The way back, for those who may."""

    permission_classes = (AtTheDesk,)

    @extend_schema(request=ReasonIn, responses=StopOut)
    def post(self, request: Request) -> Response:
        """Lift the stop in the name of the person who asks."""
        if not request.user.has_perm(acts.MAY_RESUME):
            raise exceptions.PermissionDenied("You may not resume; ask somebody who may.")
        form = ReasonIn(data=request.data)
        form.is_valid(raise_exception=True)
        acts.resume(person=request.user.get_username(), why=form.validated_data["why"])
        return Response(StopOut(house.stop()).data)
