"""What can go wrong with promises, as one tree."""


class LevelError(Exception):
    """Something about a calendar or a target; `code` is stable, `hint` is the mend."""

    code = "sla.error"
    hint = "Look at the calendars and targets under Everything."


class NeverOpenError(LevelError):
    """A calendar has no hours within ten years, so that nothing is ever due by it."""

    code = "sla.never_open"
    hint = "Give at least one weekday hours, and not a holiday on each of them."


class UnreadableCalendarError(LevelError):
    """A calendar's rows hold what is no zone, no hours or no day."""

    code = "sla.unreadable_calendar"
    hint = "Open the calendar under Everything and save it: the form says what is wrong."
