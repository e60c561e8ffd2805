"""Whether IAM policies allow a call: a small evaluator, for policies that nobody has tried yet.

It follows AWS's evaluation of identity policies within one account: an explicit denial wins, then
an allowance, and what nothing allows is refused. A permissions boundary must allow the call too.
What it does not know raises Unknown, so that it never guesses.

Its limits: no policies of resources, organizations or sessions; no policy variables; of the
conditions those of OPERATORS; of AWS's calls nothing, so whoever asks must know which resource and
which context AWS evaluates. Wildcards stay within the first five parts of an ARN, as AWS's do; in
the last part they match colons and slashes too.
"""

import re

NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"}
NEGATED |= {"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike"}
OPERATORS = {"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool", "Null", *NEGATED}
KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class Unknown(Exception):
    """A policy has something that this evaluator does not know."""


def allows(policies, action, resource, context=None, boundary=None):
    """True if the policies together allow the call, and the boundary, if there is one, as well."""
    return decision(policies, action, resource, context) == "allowed" and (
        boundary is None or decision([boundary], action, resource, context) == "allowed"
    )


def decision(policies, action, resource, context=None):
    """`denied` (explicitly), `allowed`, or `refused` (nothing allows it)."""
    context = {key.lower(): value for key, value in (context or {}).items()}
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in listed(policy["Statement"])
        if _applies(statement, action, resource, context)
    }
    if "Deny" in effects:
        return "denied"
    return "allowed" if "Allow" in effects else "refused"


def holds(condition, context):
    """True if all of a condition's operators are true of a call's context."""
    context = {key.lower(): value for key, value in context.items()}
    return all(
        _is_true(operator, context.get(key.lower()), [_text(one) for one in listed(wanted)])
        for operator, tests in condition.items()
        for key, wanted in tests.items()
    )


def listed(value):
    """A list, also of what is written as one value."""
    return value if isinstance(value, list) else [value]


def _applies(statement, action, resource, context):
    if unknown := set(statement) - KEYS:
        raise Unknown(f"{statement.get('Sid')}: {sorted(unknown)}")
    if "${" in str(statement):
        raise Unknown(f"{statement.get('Sid')}: a policy variable")
    return (
        _is_named(statement, "Action", action, _fits_action)
        and _is_named(statement, "Resource", resource, fits_arn)
        and holds(statement.get("Condition", {}), context)
    )


def _is_named(statement, kind, value, fits):
    """What a statement says of actions or resources, in either form."""
    if kind in statement:
        return any(fits(pattern, value) for pattern in listed(statement[kind]))
    return not any(fits(pattern, value) for pattern in listed(statement[f"Not{kind}"]))


def _fits_action(pattern, action):
    return fits(pattern.lower(), action.lower())


def fits_arn(pattern, arn):
    """True if an ARN is one of a pattern's; a `*` is all there is."""
    if pattern == "*":
        return True
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(fits, patterns, parts))


def fits(pattern, text):
    """True if a text is one of a pattern's with `*` and `?`."""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.S) is not None


def _is_true(operator, value, wanted):
    quantifier, _, operator = operator.rpartition(":")
    if_exists, operator = operator.endswith("IfExists"), operator.removesuffix("IfExists")
    if operator not in OPERATORS or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise Unknown(f"the condition {quantifier}:{operator}")
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if value is None:
        # A test for all of no values is true, and so is a negated one.
        return if_exists or quantifier == "ForAllValues" or (operator in NEGATED and not quantifier)
    if isinstance(value, list) != bool(quantifier):
        raise Unknown(f"{value!r} needs a quantifier, or has one too many")
    results = [_compares(operator, _text(one), wanted) for one in listed(value)]
    return all(results) if quantifier != "ForAnyValue" else any(results)


def _compares(operator, value, wanted):
    if operator in NEGATED:
        return not _compares(NEGATED[operator], value, wanted)
    if operator == "Bool":
        return value.lower() in [one.lower() for one in wanted]
    if operator == "StringEquals":
        return value in wanted
    compare = fits if operator == "StringLike" else fits_arn
    return any(compare(one, value) for one in wanted)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
