"""What SETUP says of S3's costs rests on what a run really writes."""

from checks import costs

PARTNERS = 500


def test_a_run_without_changes_writes_what_its_costs_are_computed_from(twin):
    twin.fresh(seed=1, accounts=PARTNERS, global_=PARTNERS, us_government=0)
    # The first run begins the history: the next one is like all that follow.
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"
    before = versions(twin.stack)
    name = twin.name()
    assert twin.stack.run(name)["output"]["verdict"] == "NOTHING_TO_DO"
    written = [one for id, one in versions(twin.stack).items() if id not in before]
    assert len(written) == costs.PUTS

    sizes = {one["Key"]: one["Size"] for one in written if one["Key"].startswith(f"runs/{name}/")}
    of_partners = sum(
        sizes.pop(f"runs/{name}/{file}.json") for file in ("accounts", "organizations")
    )
    assert is_near(of_partners / PARTNERS, costs.BYTES_OF_A_PARTNER)
    assert is_near(sum(sizes.values()), costs.BYTES_OF_A_RUN)


def is_near(measured, said):
    """Within a fifth: names and reports are not always equally long."""
    return 0.8 * said < measured < 1.2 * said


def versions(stack):
    """Every version of every object."""
    pages = stack.s3.get_paginator("list_object_versions").paginate(Bucket=stack.bucket)
    found = (one for page in pages for one in page.get("Versions", []))
    return {(one["Key"], one["VersionId"]): one for one in found}
