"""Words that made-up organizations are made of. Some need two bytes, or an escape in JSON."""

FIRST = [
    "Northwind",
    "Blue Harbor",
    "Kestrel",
    "Iron Valley",
    "Lumen",
    "Quartz",
    "Silverleaf",
    "Red Oak",
    "Polar",
    "Summit",
    "Café Noir",
    "Zürich",
]
SECOND = [
    "Systems",
    "Consulting",
    "Cloud Services",
    "Digital",
    "Software",
    "Labs",
    "Partners",
    "Integrators",
    "Networks",
    "Technologies",
    "Brothers & Sons",
]
THIRD = ["GmbH", "Inc.", "Ltd", "SAS", "AB", "LLC", "S.p.A."]
PEOPLE = [
    "Robin Alder",
    "Sam Birch",
    "Kim Cedar",
    "Alex Elm",
    "Jo Hazel",
    "Chris Maple",
    "Pat Rowan",
    "Lee Willow",
    "Renée Ash",
    "Dana Juniper",
    "Max Linden",
]
COUNTRIES = ["DE", "US", "FR", "SE", "JP", "BR", "IN", "GB", "ES", "PL", "CA", "AU"]
INDUSTRIES = ["retail", "finance", "health", "energy", "telecom", "public", "logistics", "media"]
SENTENCES = (
    "Prefers e-mail to the telephone.",
    "The contract is renewed every spring.",
    "Escalate outages to the account team at once.",
    'Known under its \\"old\\" name until 2023.',
    "Two subsidiaries share this organization.",
    "Invoices go to the head office.",
    "Asked for a quarterly review.",
    "Runs its own data centre, and two regions of a cloud.",
)
