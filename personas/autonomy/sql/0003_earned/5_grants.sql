-- Who may use which door of this room.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.set_autonomy(text, text, text, text, text, text, boolean),
    gate.below_the_bar(text, text, text, text), gate.figures(text, text, text),
    gate.person_judges(uuid, text, text, text),
    gate.facts_judge(uuid, text, boolean, boolean, text),
    gate.calibration(text, text), gate.uncalibrated(text, text),
    gate.unproven(text, text, text), gate.least_confidence(text),
    gate.press_stop(text, text, text), gate.note_stop_file(text, timestamptz, text)
    TO ethops_app;
