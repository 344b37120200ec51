"""What the firm job remembers between batches."""

from collections.abc import Mapping

from schemas.step import TableSpec
from udfs.risk import book_state, controls, firm_points, scenario_state

POSITIONS, COUNTS = "firm.positions", "firm.counts"
TABLES: Mapping[str, TableSpec] = {
    **{name: book_state.TABLES[name] for name in ("marks", "actions", "clock")},
    POSITIONS: TableSpec(
        key="held",
        columns={"held": "str", "book": "str", "isin": "str", "quantity": "int", "kept": "int"},
    ),
    COUNTS: TableSpec(key="what", columns={"what": "str", "value": "int"}),
    **firm_points.TABLES,
    **scenario_state.TABLES,
    controls.LIMITS: controls.TABLES[controls.LIMITS],
    controls.STATUS: controls.TABLES[controls.STATUS],
}
