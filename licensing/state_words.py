"""Words for the states of a registration, an authorization and a licence, for people."""

from typing import Final

from licensegate.language.language import N_, Language

_STATES: Final = {
    "unregistered": N_("unregistered"),
    "registered": N_("registered"),
    "registration_expired": N_("registration expired"),
    "reserved": N_("reserved"),
    "reservation_in_progress": N_("reservation in progress"),
    "no_licenses_in_use": N_("no licenses in use"),
    "evaluation": N_("evaluation"),
    "evaluation_expired": N_("evaluation expired"),
    "authorized": N_("authorized"),
    "not_authorized": N_("not authorized"),
    "authorization_expired": N_("authorization expired"),
    "out_of_compliance": N_("out of compliance"),
    "in_compliance": N_("in compliance"),
    "reserved_in_compliance": N_("reserved in compliance"),
    "in_use": N_("in use"),
    "not_in_use": N_("not in use"),
    "init": N_("init"),
    "invalid": N_("invalid"),
    "invalid_tag": N_("invalid tag"),
    "disabled": N_("disabled"),
    "waiting": N_("waiting"),
    "not_applicable": N_("not applicable"),
}


def state_word(state: str, language: Language) -> str:
    """A state for people: `out_of_compliance` is "out of compliance". One without a word of ours stays English."""
    return language.gettext(_STATES.get(state) or state.replace("_", " "))
