"""make validate: who may write to the bucket, and who may publish to the stack's own topic."""

ACCOUNT = {"Ref": "AWS::AccountId"}
# What anybody may do to an object whose own policies allow it. Everything else is writing.
READING = ["s3:GetObject*", "s3:ListMultipartUploadParts"]
BREAK_GLASS = {"If": ["HasBreakGlass", {"Ref": "BreakGlassRoleArn"}, {"Ref": "AWS::NoValue"}]}


def problems(resources):
    """What is wrong with the policies of the bucket and of the topic."""
    for name, wanted in (("BucketPolicy", bucket(resources)), ("NotificationsPolicy", topic())):
        resource = resources.get(name, {"Properties": {"PolicyDocument": {"Statement": []}}})
        found = {one["Sid"]: one for one in resource["Properties"]["PolicyDocument"]["Statement"]}
        for sid in wanted.keys() | found.keys():
            if found.get(sid) != wanted.get(sid):
                yield f"{name}: {sid} is {found.get(sid)}, and should be {wanted.get(sid)}"
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        if resources.get("BucketPolicy", {}).get(key, "Delete") != "Delete":
            yield f"BucketPolicy: has a {key}: after the stack's end nobody could empty the bucket"
    if resources.get("NotificationsPolicy", {}).get("Condition") != "CreatesTopic":
        yield "NotificationsPolicy: is for the stack's own topic, and for no topic of others"


def bucket(resources):
    """The bucket's statements: only TLS, and only the functions and the break-glass role write."""
    functions = [
        name for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"
    ]
    objects = {"Sub": "${Bucket.Arn}/*"}
    return {
        "OnlyTls": only_tls("s3:*", [{"GetAtt": "Bucket.Arn"}, objects]),
        "OnlyTheFunctionsWrite": {
            "Sid": "OnlyTheFunctionsWrite",
            "Effect": "Deny",
            "Principal": "*",
            "NotAction": READING,
            "Resource": objects,
            "Condition": {
                "ArnNotEquals": {
                    "aws:PrincipalArn": [
                        *({"GetAtt": f"{name}Role.Arn"} for name in functions),
                        BREAK_GLASS,
                    ]
                }
            },
        },
    }


def topic():
    """The topic's statements: only TLS; the account's principals, and its alarms."""
    own = {"Ref": "Notifications"}
    return {
        "OnlyTls": only_tls("sns:Publish", own),
        "WhomTheAccountLets": {
            "Sid": "WhomTheAccountLets",
            "Effect": "Allow",
            "Principal": {"AWS": {"Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": [
                "sns:Publish",
                "sns:Subscribe",
                "sns:ListSubscriptionsByTopic",
                "sns:GetTopicAttributes",
                "sns:SetTopicAttributes",
                "sns:AddPermission",
                "sns:RemovePermission",
                "sns:DeleteTopic",
            ],
            "Resource": own,
        },
        "AlarmsOfTheAccount": {
            "Sid": "AlarmsOfTheAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": own,
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    }


def only_tls(action, resource):
    """The statement that denies what comes without TLS."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
