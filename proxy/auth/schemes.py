"""The login schemes that answer a challenge, in the order in which a 407 offers them (see `scheme.Scheme`)."""

from collections.abc import Callable
from typing import Final

from .basic import Basic
from .digest import Digest
from .login_scheme import LoginContext, LoginScheme

LOGIN_SCHEMES: Final[tuple[Callable[[LoginContext], LoginScheme], ...]] = (Digest, Basic)
