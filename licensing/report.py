"""What a product says about its licences: one value for every form of output.

A key that the text does not have is None, never guessed. Times are written as `2018-01-26T15:11:23 IST`: the product's
local time and the zone as printed.
"""

from typing import Literal

from msgspec import Struct, field

Model = Literal["classic", "policy", "traditional"]
Result = Literal["succeeded", "failed", "none", "pending"]


class LicensedProduct(Struct):
    """The product instance, from its UDI (unique device identifier)."""

    pid: str | None = None
    serial: str | None = None
    uuid: str | None = None


class StackMember(Struct):
    """One device of a stack or a redundant pair; `role` is active, standby or member."""

    role: str
    pid: str | None
    serial: str | None


class Attempt(Struct):
    """A registration, renewal or contact that the product tried."""

    result: Result
    at: str | None = None
    reason: str | None = None


class Registration(Struct):
    """The product's registration with Cisco or an SSM On-Prem: a certificate of one year."""

    status: str | None = None
    smart_account: str | None = None
    virtual_account: str | None = None
    export_controlled: bool | None = None
    initial: Attempt | None = None
    last_renewal: Attempt | None = None
    next_renewal: str | None = None
    expires: str | None = None


class Authorization(Struct):
    """Whether the product may use the licences that it uses."""

    status: str | None = None
    at: str | None = None
    last_contact: Attempt | None = None
    next_contact: str | None = None
    deadline: str | None = None


class Evaluation(Struct):
    """The evaluation period."""

    in_use: bool | None = None
    remaining_seconds: int | None = None
    expired_at: str | None = None


class ReportingPolicy(Struct):
    """Smart Licensing Using Policy: usage reports and Cisco's acknowledgements (ACK). `in_use` is the printed text."""

    in_use: str | None = None
    name: str | None = None
    last_ack: str | None = None
    next_ack_deadline: str | None = None
    push_interval_days: int | None = None
    next_push: str | None = None
    last_push: str | None = None
    trust_code_at: str | None = None


class Entitlement(Struct):
    """One licence in use."""

    name: str | None = None
    tag: str | None = None
    count: int | None = None
    status: str | None = None


class Transport(Struct):
    """How the product reaches Cisco; `type` is callhome, smart, cslu, gateway or off."""

    type: str | None = None
    url: str | None = None


class ConfiguredProxy(Struct):
    """The proxy that the product is set to use."""

    address: str
    port: int | None = None


class LicenseReport(Struct):
    """Everything that one output says. `model` is None if the text does not tell."""

    model: Model | None = None
    product: LicensedProduct = field(default_factory=LicensedProduct)
    members: list[StackMember] = []
    agent_version: str | None = None
    registration: Registration = field(default_factory=Registration)
    authorization: Authorization = field(default_factory=Authorization)
    evaluation: Evaluation = field(default_factory=Evaluation)
    policy: ReportingPolicy = field(default_factory=ReportingPolicy)
    entitlements: list[Entitlement] = []
    transport: Transport = field(default_factory=Transport)
    proxy: ConfiguredProxy | None = None
    failures: list[str] = []


class Reading(Struct):
    """A report, with what the text says beside it.

    `unread` are the lines that have no place in the report. `captured_at` is the product's own time when it printed the
    text, if its clock was synchronised. `notes` are sentences for people. `device` is the prompt before the command.
    `fails` says whether messages of the policy model fail: in the network, or although the other side answers.
    """

    report: LicenseReport
    unread: list[str] = []
    captured_at: str | None = None
    notes: list[str] = []
    form: str = "text"
    device: str = ""
    fails: Literal["", "in_network", "answered"] = ""
