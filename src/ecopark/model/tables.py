"""The attribute tables: one declaration per table of the record.

Everything that needs to know a column (defaults, checks, workbook sheets, folder files, database schema, forms and
reference pages) reads it here, so that a column is described in exactly one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["text", "number", "date", "choice", "reference", "references", "unit"]

POLARS_TYPES: dict[Kind, type[pl.DataType]] = {
    "text": pl.String,
    "number": pl.Float64,
    "date": pl.Date,
    "choice": pl.String,
    "reference": pl.String,
    "references": pl.String,
    "unit": pl.String,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column: its name, kind, whether it is required, its default and its meaning in both languages.

    `references` names the table whose key the value must be found in ("references" holds several keys, separated by
    a semicolon). `choices` lists the permitted values of a "choice".
    """

    name: str
    kind: Kind
    zh: str
    en: str
    meaning_zh: str = ""
    meaning_en: str = ""
    required: bool = False
    default: str | float | None = None
    choices: tuple[str, ...] = ()
    references: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the record: its name (also sheet and file name), key columns and attributes."""

    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    attributes: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute:
        """Return the attribute called `name`; KeyError if the table has none."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        """Column names in sheet order."""
        return [attribute.name for attribute in self.attributes]

    @property
    def schema(self) -> dict[str, type[pl.DataType]]:
        """Polars schema of the table's frame."""
        return {attribute.name: POLARS_TYPES[attribute.kind] for attribute in self.attributes}

    def empty(self) -> pl.DataFrame:
        """A frame with the table's columns and no rows."""
        return pl.DataFrame(schema=self.schema)


NODE_KINDS = ("park", "zone", "firm", "process", "equipment", "store", "market", "environment")
OUTSIDE_KINDS = ("market", "environment")
"""Node kinds that lie outside every boundary."""

METHODS = ("reconciled", "metered", "invoiced", "calculated", "estimated", "planned")
"""Methods of a flow, best first: of several flows of a stream over the same time, the first in this order counts."""

NOTATIONS = ("NO", "NE", "IE", "C")
DISTRIBUTIONS = ("normal", "lognormal", "triangular", "uniform")
STATUSES = ("primary", "secondary", "unverified", "contested")
ACTUAL = "actual"
"""The scenario that is the record itself."""

_NAME_ZH = Attribute("name_zh", "text", "中文名称", "Name (Chinese)", "中文显示名", "Name shown in Chinese")
_NAME_EN = Attribute("name_en", "text", "英文名称", "Name (English)", "英文显示名", "Name shown in English")
_NOTE = Attribute("note", "text", "备注", "Note")
_EVIDENCE = Attribute(
    "evidence", "reference", "凭证", "Evidence", "支撑该数的凭证编号", "Id of the evidence behind the number",
    references="evidence",
)  # fmt: skip
_VALID_FROM = Attribute("valid_from", "date", "生效日", "Valid from", "含当日", "First day (inclusive)")
_VALID_TO = Attribute("valid_to", "date", "失效日", "Valid to", "不含当日", "First day on which it no longer holds")
_LOW = Attribute("low", "number", "95%下限", "95 % low", "95%置信区间下限", "Lower end of the 95 % range")
_HIGH = Attribute("high", "number", "95%上限", "95 % high", "95%置信区间上限", "Upper end of the 95 % range")
_DISTRIBUTION = Attribute(
    "distribution", "choice", "分布", "Distribution", "不填：对称区间按正态，不对称按对数正态",
    "Blank: normal for a symmetric range, lognormal for an asymmetric one", choices=DISTRIBUTIONS,
)  # fmt: skip
_PERIOD_START = Attribute(
    "period_start", "date", "开始", "Period start", "2019、2019-05 或日期；半开区间",
    "2019, 2019-05 or a date; periods are half-open", required=True,
)  # fmt: skip
_PERIOD_END = Attribute(
    "period_end", "date", "结束", "Period end", "不含当日；开始填年或月时可不填",
    "Exclusive; may be blank when the start is a year or a month",
)  # fmt: skip


def _id(meaning_zh: str, meaning_en: str) -> Attribute:
    return Attribute("id", "text", "编号", "Id", meaning_zh, meaning_en, required=True)


NODES = Table(
    "nodes", "节点", "Nodes", ("id",),
    (
        _id("唯一编号，字母数字和 . _ -", "Unique id: letters, digits and . _ -"),
        Attribute("parent", "reference", "上级", "Parent", "所属节点", "Node it belongs to", references="nodes"),
        Attribute("kind", "choice", "类别", "Kind", "园区、片区、企业、工艺、设备、储存、外部市场、环境",
                  "park, zone, firm, process, equipment, store, outside market, environment",
                  required=True, choices=NODE_KINDS),
        _NAME_ZH, _NAME_EN,
        Attribute("sector", "text", "行业代码", "Sector", "GB/T 4754 代码", "GB/T 4754 code"),
        Attribute("region", "text", "地区", "Region", "地区代码，如 CN-JS；不填随上级",
                  "Region code such as CN-JS; blank: the parent's"),
        Attribute("lon", "number", "经度", "Longitude"), Attribute("lat", "number", "纬度", "Latitude"),
        _VALID_FROM, _VALID_TO, _NOTE,
    ),
)  # fmt: skip

BOUNDARIES = Table(
    "boundaries", "边界", "Boundaries", ("id",),
    (
        _id("边界编号", "Boundary id"), _NAME_ZH, _NAME_EN,
        Attribute("rule", "choice", "规则", "Rule", "subtree：所列节点及其下级；list：仅所列节点",
                  "subtree: the nodes and all below them; list: just the nodes", required=True, default="subtree",
                  choices=("subtree", "list")),
        Attribute("nodes", "references", "节点", "Nodes", "以分号分隔", "Separated by semicolons", required=True,
                  references="nodes"),
        _NOTE,
    ),
)  # fmt: skip

COMMODITIES = Table(
    "commodities", "物品", "Commodities", ("id",),
    (
        _id("园区自有物品；目录已有的不必再列", "The park's own commodities; the catalogue's need no row"),
        Attribute("parent", "text", "上位物品", "Parent", "自身无因子时取其因子",
                  "Whose factors are used where it has none of its own"),
        _NAME_ZH, _NAME_EN,
        Attribute("group", "text", "组", "Group", "目录中的物品组", "A commodity group of the catalogue",
                  required=True),
        Attribute("unit", "unit", "单位", "Unit", "流量的单位", "Unit of its flows", required=True),
        Attribute("basis", "text", "基准", "Basis", "干/湿、低位/高位等", "dry/wet, lower/higher …"), _NOTE,
    ),
)  # fmt: skip

PROPERTIES = Table(
    "properties", "属性", "Properties", ("commodity", "property", "stream", "node", "valid_from"),
    (
        Attribute("commodity", "text", "物品", "Commodity", required=True),
        Attribute("property", "text", "属性", "Property", "如 ncv、hhv、carbon_content、oxidation",
                  "Such as ncv, hhv, carbon_content, oxidation",
                  required=True),
        Attribute("stream", "reference", "物流", "Stream", "只对该物流有效", "Holds for this stream only",
                  references="streams"),
        Attribute("node", "reference", "节点", "Node", "对该节点及其下级有效", "Holds for this node and all below",
                  references="nodes"),
        Attribute("value", "number", "数值", "Value", required=True),
        Attribute("unit", "unit", "单位", "Unit", required=True),
        _VALID_FROM, _VALID_TO, _LOW, _HIGH,
        Attribute("status", "choice", "核实程度", "Verification", choices=STATUSES, default="primary"),
        Attribute("source", "text", "来源", "Source"), _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

STREAMS = Table(
    "streams", "物流", "Streams", ("id",),
    (
        _id("物流编号", "Stream id"),
        Attribute("source", "reference", "来自", "Source", required=True, references="nodes"),
        Attribute("target", "reference", "去向", "Target", required=True, references="nodes"),
        Attribute("commodity", "text", "物品", "Commodity", required=True),
        Attribute("activity", "text", "用途", "Activity", "如 final_use、feedstock、power_generation",
                  "Such as final_use, feedstock, power_generation",
                  required=True),
        Attribute("technology", "text", "工艺", "Technology", "决定工艺因子，如 cwpb、wet_kiln",
                  "Chooses process factors, such as cwpb"),
        Attribute("owner", "reference", "数据责任方", "Data owner", "谁应提供数据；不填为用户节点",
                  "Who owes the data; blank: the node that uses it",
                  references="nodes"),
        Attribute("part_of", "reference", "包含于", "Part of", "已含在该物流中，不重复计算",
                  "Already inside that stream: never counted twice",
                  references="streams"),
        _NOTE,
    ),
)  # fmt: skip

FLOWS = Table(
    "flows", "流", "Flows", ("id",),
    (
        Attribute("id", "text", "编号", "Id", "不填则按物流、情景、期间、方法生成",
                  "Blank: made from stream, scenario, period and method"),
        Attribute("stream", "reference", "物流", "Stream", required=True, references="streams"),
        Attribute("scenario", "reference", "情景", "Scenario", default=ACTUAL, references="scenarios"),
        _PERIOD_START, _PERIOD_END,
        Attribute("amount", "number", "数量", "Amount", "缺失时填注记，不要填 0",
                  "Where missing give a notation, never 0"),
        Attribute("unit", "unit", "单位", "Unit", "可用万t、万kWh、万Nm³等，导入时换算",
                  "Scaled to the commodity's unit on import"),
        _LOW, _HIGH, _DISTRIBUTION,
        Attribute("correlation_group", "text", "相关组", "Correlation group", "同组误差同向",
                  "Errors of one group move together"),
        Attribute("method", "choice", "方法", "Method", required=True, default="invoiced", choices=METHODS),
        Attribute("notation", "choice", "注记", "Notation", "NO 不发生、NE 未估算、IE 计入别处、C 保密",
                  "NO not occurring, NE not estimated, IE included elsewhere, C confidential", choices=NOTATIONS),
        _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

STOCKS = Table(
    "stocks", "库存", "Stocks", ("node", "commodity", "time"),
    (
        Attribute("node", "reference", "节点", "Node", "存放物品的储存、设备或企业",
                  "The store, equipment or firm that holds the commodity", required=True, references="nodes"),
        Attribute("commodity", "text", "物品", "Commodity", required=True),
        Attribute("time", "date", "时点", "Time", "当日开始时的存量；2019、2019-05 指其首日",
                  "The level at the start of this day; 2019 or 2019-05 is its first day", required=True),
        Attribute("level", "number", "存量", "Level", "当日开始时的存量；未知时不要填 0，删去该行",
                  "What is held at that moment; where it is not known leave the row out, never write 0",
                  required=True),
        Attribute("unit", "unit", "单位", "Unit", "可用万t、万kWh、万Nm³等，导入时换算",
                  "Scaled to the commodity's unit on import", required=True),
        _LOW, _HIGH, _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

CERTIFICATES = Table(
    "certificates", "绿证绿电", "Certificates", ("id",),
    (
        _id("绿证或绿电交易凭证号", "Number of the certificate or green-power trade"),
        Attribute("kind", "choice", "类别", "Kind", choices=("green_certificate", "green_power_trade"), required=True,
                  default="green_certificate"),
        Attribute("holder", "reference", "持有人", "Holder", required=True, references="nodes"),
        Attribute("retired_for", "reference", "注销归属", "Retired for", "为谁注销；不填为持有人",
                  "For whom; blank: the holder", references="nodes"),
        _PERIOD_START, _PERIOD_END,
        Attribute("volume", "number", "电量", "Volume", required=True),
        Attribute("unit", "unit", "单位", "Unit", required=True),
        _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

STATISTICS = Table(
    "statistics", "统计", "Statistics", ("node", "period_start", "variable"),
    (
        Attribute("node", "reference", "节点", "Node", required=True, references="nodes"),
        _PERIOD_START, _PERIOD_END,
        Attribute("variable", "text", "变量", "Variable", "如 value_added、employees、reported_co2e",
                  "Such as value_added, employees, reported_co2e",
                  required=True),
        Attribute("value", "number", "数值", "Value", required=True),
        Attribute("unit", "unit", "单位", "Unit", required=True),
        _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

FACTORS = Table(
    "factors", "本地因子", "Local factors", ("id",),
    (
        _id("因子编号", "Factor id"),
        Attribute("quantity", "text", "量", "Quantity", "如 emission_factor、ncv、coal_equivalent_value",
                  "Such as emission_factor, ncv", required=True),
        Attribute("commodity", "text", "物品", "Commodity", required=True),
        Attribute("gas", "text", "气体", "Gas"),
        Attribute("technology", "text", "工艺", "Technology"),
        Attribute("node", "reference", "节点", "Node", "不填为全园区", "Blank: the whole park", references="nodes"),
        Attribute("value", "number", "数值", "Value", required=True),
        Attribute("unit", "unit", "单位", "Unit", required=True),
        _LOW, _HIGH, _DISTRIBUTION, _VALID_FROM, _VALID_TO,
        Attribute("status", "choice", "核实程度", "Verification", choices=STATUSES, default="unverified"),
        Attribute("source", "text", "来源", "Source", required=True), _EVIDENCE, _NOTE,
    ),
)  # fmt: skip

SCENARIOS = Table(
    "scenarios", "情景", "Scenarios", ("id",),
    (
        _id("情景编号；actual 为记录本身", "Scenario id; actual is the record itself"),
        Attribute("parent", "reference", "上级情景", "Parent", "未说明的取上级",
                  "What it does not say, its parent says", references="scenarios"),
        _NAME_ZH, _NAME_EN, _NOTE,
    ),
)  # fmt: skip

EVIDENCE = Table(
    "evidence", "凭证", "Evidence", ("id",),
    (
        _id("凭证编号", "Evidence id"),
        Attribute("title", "text", "名称", "Title", required=True),
        Attribute("kind", "text", "类别", "Kind", "文件、表计、人员、公开数据", "file, meter, person, public data"),
        Attribute("reference", "text", "出处", "Reference", "文件名、网址、表号", "File name, address, meter number"),
        Attribute("page", "text", "页码", "Page"), Attribute("person", "text", "提供人", "Person"),
        Attribute("date", "date", "日期", "Date"), Attribute("sha256", "text", "文件散列", "File hash"), _NOTE,
    ),
)  # fmt: skip

_ALL = (
    NODES, BOUNDARIES, COMMODITIES, STREAMS, FLOWS, STOCKS, PROPERTIES, FACTORS, CERTIFICATES, STATISTICS, SCENARIOS,
    EVIDENCE,
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
"""The record's tables in the order in which the workbook shows them."""
