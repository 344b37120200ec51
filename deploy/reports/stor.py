"""Draft of a suspicious transaction and order report from alerts of market abuse.

Sections of the template in the Annex of Delegated Regulation (EU) 2016/957.
"""

from deploy.reports.cases import Case
from deploy.reports.drafts import Draft, Part, unknown
from deploy.reports.said import attached, period, reasons, roots, seen, some, who


def stor(case: Case) -> Draft:
    """The draft of a STOR on a case of market abuse."""
    return Draft(
        "STOR",
        case.subject,
        (
            unknown(
                "Section 1 - Identity of entity/person submitting the STOR",
                *("Name of the natural person", "Position within the reporting entity"),
                *("Name of the reporting entity", "Address of the reporting entity"),
                "Acting capacity of entity with respect to the orders or transactions",
                "Type of trading activity and type of instrument traded by the reporting entity",
                "Relationship with the person in respect of which the STOR is submitted",
                "Contact for additional request for information",
            ),
            Part(
                "Section 2 - Transaction/order",
                (
                    ("Description of the financial instrument: ISIN", some(case, "instrument")),
                    ("Description of the financial instrument: full name", None),
                    ("Description of the financial instrument: type (CFI code)", None),
                    ("Date and time of transactions or orders", period(case)),
                    ("Market where order or transaction occurred: MIC", some(case, "venue")),
                    ("Location: country", None),
                    ("Description of the order or transaction: events", case.events() or None),
                    ("Description of the order or transaction: particulars", None),
                ),
            ),
            Part(
                "Section 3 - Description of the nature of the suspicion",
                (
                    ("Nature of the suspicion: rules that were met", seen(case)),
                    ("Reasons for the suspicion", reasons(case)),
                    ("Reasons for the suspicion: assessment of a person", None),
                ),
            ),
            Part(
                "Section 4 - Identity of person whose orders or transactions could constitute "
                "insider dealing or market manipulation",
                (
                    ("Identifier in our systems", who(case)),
                    ("Account numbers", some(case, "account")),
                    ("Name", None),
                    ("Date of birth", None),
                    ("National identification number", None),
                    ("Address", None),
                    ("Information about the employment", None),
                    ("Client identifier and type of relationship", None),
                    ("Relationship with the issuer of the instrument concerned", None),
                ),
            ),
            unknown(
                "Section 5 - Additional information",
                "Background or any other information considered relevant",
            ),
            attached(case, "Section 6 - Documentation attached"),
        ),
        roots(case),
    )
