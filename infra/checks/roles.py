"""make validate: each role may do what its owner is for, and nothing else."""

import json

SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Prefix}/"
# What the secrets' names begin with: the parameter, or the stack's name.
PREFIX = {"If": ["NamesPrefix", {"Ref": "SecretPrefix"}, {"Ref": "AWS::StackName"}]}
# Function to the secrets it may read, below the prefix. AWS ends each name with a hyphen and six
# characters. gather-orgs reads whatever instances sync.toml names.
READABLE = {
    "GatherAccounts": "salesforce-??????",
    "GatherOrgs": "zendesk/*",
    "Compare": None,
    "Sync": "zendesk/${TargetInstance}-??????",
}
# Actions that AWS cannot limit to resources.
WITHOUT_RESOURCE = ("xray:", "logs:CreateLogDelivery", "logs:GetLogDelivery")
WITHOUT_RESOURCE += ("logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries")
WITHOUT_RESOURCE += ("logs:PutResourcePolicy", "logs:Describe")
# The one statement that lets all roles use the key, through these services alone.
SERVICES = ["s3", "secretsmanager", "sns", "sqs"]
THROUGH = [{"Sub": f"{name}.${{AWS::Region}}.${{AWS::URLSuffix}}"} for name in SERVICES]
KEY_STATEMENT = {
    "Sid": "UseTheKey",
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": {"Ref": "KmsKeyArn"},
    "Condition": {"StringEquals": {"kms:ViaService": THROUGH}},
}
NOTHING = {"Ref": "AWS::NoValue"}
# Step Functions uses the key as the role of the state machine, and names the state machine to it.
# A condition on the service, as above, would fail runs: so these stand in the role.
STATES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:"
LOGS = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"


def encrypts_executions(name):
    """The use of the key for the executions of the state machine of this name."""
    context = "kms:EncryptionContext:aws:states:stateMachineArn"
    return {
        "Sid": "EncryptExecutions",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": {"Ref": "KmsKeyArn"},
        "Condition": {"StringEquals": {context: {"Sub": STATES + name}}},
    }


# Role to its own statements about the key, beside the one that all roles have.
KEY_STATEMENTS = {
    "StateMachineRole": [
        encrypts_executions("${AWS::StackName}"),
        {
            "Sid": "EncryptItsLog",
            "Effect": "Allow",
            "Action": "kms:GenerateDataKey",
            "Resource": {"Ref": "KmsKeyArn"},
            "Condition": {"StringLike": {"kms:EncryptionContext:SourceArn": {"Sub": LOGS}}},
        },
    ],
    "StarterRole": [encrypts_executions("${AWS::StackName}-starter")],
}
# Without a key it says so: what is only left out would stay as it was.
ENCRYPTED = {
    "If": [
        "HasKey",
        {
            "Type": "CUSTOMER_MANAGED_KMS_KEY",
            "KmsKeyId": {"Ref": "KmsKeyArn"},
            "KmsDataKeyReusePeriodSeconds": 900,
        },
        {"Type": "AWS_OWNED_KEY"},
    ]
}
BOUNDARY = {"If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, NOTHING]}


def problems(resources):
    """What is wrong with the roles."""
    roles = {name: one for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}
    for name, one in resources.items():
        yield from _owner_problems(name, one)
    for name, role in roles.items():
        yield from _role_problems(name, role["Properties"])
        yield from _log_problems(name, role["Properties"])
        yield from _secrets_problems(name, role["Properties"], resources)
    yield from _key_problems(resources.get("KeyUse", {}), roles)


def _owner_problems(name, resource):
    """Resources for which SAM would make a role of its own, or that add to one of ours."""
    kind, own = resource["Type"], resource.get("Properties", {})
    if kind == "AWS::Serverless::Function":
        if own.get("Role") != {"GetAtt": f"{name}Role.Arn"} or "Policies" in own:
            yield f"{name}: its role must be {name}Role, which stands in the template"
        if "Events" in own:
            yield f"{name}: has events, for which SAM would make roles and rights"
    if kind == "AWS::Serverless::StateMachine":
        yield f"{name}: SAM's state machine knows no key; AWS::StepFunctions::StateMachine does"
    if kind == "AWS::StepFunctions::StateMachine":
        if own.get("RoleArn") != {"GetAtt": f"{name}Role.Arn"}:
            yield f"{name}: its role must be {name}Role, which stands in the template"
        if own.get("EncryptionConfiguration") != ENCRYPTED:
            yield f"{name}: its executions must be encrypted with the key, if there is one"
    if kind == "AWS::Scheduler::Schedule" and own["Target"].get("RoleArn") != {
        "GetAtt": "ScheduleRole.Arn"
    }:
        yield f"{name}: its role must be ScheduleRole, which stands in the template"
    beside = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
    if kind in beside and name != "KeyUse":
        yield f"{name}: what a role may do stands in the role"


def _role_problems(name, role):
    """A role that has no boundary, that any AWS service may assume, or that may do too much."""
    if role.get("PermissionsBoundary") != BOUNDARY:
        yield f"{name}: not bounded by PermissionsBoundaryArn"
    if "ManagedPolicyArns" in role:
        yield f"{name}: has policies of AWS, which may do more than it needs"
    for trust in role["AssumeRolePolicyDocument"]["Statement"]:
        account = trust.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
        by = trust["Principal"]["Service"]
        if by != "lambda.amazonaws.com" and account != {"Ref": "AWS::AccountId"}:
            yield f"{name}: {by} may take it for another account"
    about_key = [
        one for one in statements(role) if any(each.startswith("kms:") for each in actions(one))
    ]
    if about_key != KEY_STATEMENTS.get(name, []):
        yield f"{name}: beside KeyUse it may use the key as {KEY_STATEMENTS.get(name, [])} says"
    for statement in statements(role):
        for action in actions(statement):
            if "*" in action:
                yield f"{name}: {action} is more than one action"
            if "*" in listed(statement["Resource"]) and not action.startswith(WITHOUT_RESOURCE):
                yield f"{name}: may do {action} to everything"


def _key_problems(policy, roles):
    """The one policy beside the roles: the use of the key, for each of them, through services."""
    own = policy.get("Properties", {})
    given = {role.get("Ref") for role in own.get("Roles", [])}
    if given != set(roles):
        yield f"KeyUse: is for {sorted(given)} instead of {sorted(roles)}"
    if policy.get("Condition") != "HasKey":
        yield "KeyUse: without a key there must be none"
    if own.get("PolicyDocument", {}).get("Statement") != [KEY_STATEMENT]:
        yield f"KeyUse: must allow {KEY_STATEMENT} and nothing else"


def _log_problems(name, role):
    """Each function may write to its own log group and to no other."""
    function = name.removesuffix("Role")
    writable = [
        statement["Resource"]
        for statement in statements(role)
        for action in actions(statement)
        if action in ("logs:PutLogEvents", "logs:CreateLogStream", "logs:CreateLogGroup")
    ]
    wanted = [{"GetAtt": f"{function}Logs.Arn"}] * 2 if function in READABLE else []
    if writable != wanted:
        yield f"{name}: may write to the log groups {writable} instead of {wanted}"


def _secrets_problems(name, role, resources):
    """Each function may read its own secrets and no other, and is told where they are."""
    function = name.removesuffix("Role")
    wanted = READABLE.get(function)
    touching = [
        (actions(statement), statement["Resource"])
        for statement in statements(role)
        if any(action.startswith("secretsmanager:") for action in actions(statement))
    ]
    resource = {"Sub": [f"{SECRET}{wanted}", {"Prefix": PREFIX}]}
    allowed = [(["secretsmanager:GetSecretValue"], resource)] if wanted else []
    if touching != allowed:
        yield f"{name}: may read the secrets {json.dumps(touching)} instead of {wanted}"
    if not wanted and "secretsmanager" in json.dumps(role):
        yield f"{name}: reads no secret, and names Secrets Manager"
    if function in READABLE:
        yield from _told_problems(function, resources[function]["Properties"], wanted)


def _told_problems(function, own, wanted):
    """The environment says where the secrets are to whoever may read one, and the target to all."""
    variables = own["Environment"]["Variables"]
    if variables.get("SECRET_PREFIX") != (PREFIX if wanted else None):
        yield f"{function}: SECRET_PREFIX is {json.dumps(variables.get('SECRET_PREFIX'))}"
    if variables.get("TARGET_INSTANCE") != {"Ref": "TargetInstance"}:
        yield f"{function}: TARGET_INSTANCE is {json.dumps(variables.get('TARGET_INSTANCE'))}"


def _contains(value, part):
    """Whether a value of the template is something, or an !If with it."""
    return value == part or (isinstance(value, dict) and part in value.get("If", []))


def statements(role):
    """All statements of a role, also those that stand under a condition."""
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            ways = statement["If"][1:] if "If" in statement else [statement]
            yield from (way for way in ways if way != NOTHING)


def actions(statement):
    """The actions of a statement as a list."""
    return listed(statement["Action"])


def listed(value):
    """A list, also of what is written as one value."""
    return value if isinstance(value, list) else [value]
