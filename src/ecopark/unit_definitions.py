"""The rows of the unit registry: units, bases and multipliers, each with the spellings that are read.

A basis (lower heating value, dry matter, CO2, standard coal …) is a dimension of its own that is appended to a unit:
``GJ`` + ``_LHV``, ``t`` + ``_dry``, ``kg`` + ``CO2e``. So kgce never turns into kgCO2e, and kWh_cumulated never into
kWh, unless a property or a factor carries the one into the other.

Sources of the numbers: SI brochure (9th edition) for SI units; NIST SP 811 for short ton, pound, foot, gallon, barrel
and the International Table Btu and calorie; GB/T 2589-2020 for standard coal (7000 kcal/kg).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

UNIT_TABLE = """
# id        | family | definition                      | spellings                                      | zh     | en
ug          | mass   | 1e-6 * g                        | μg, 微克                                       | μg     | μg
!mg         | mass   | 1e-3 * g                        | 毫克                                           | mg     | mg
g           | mass   | [mass]                          | 克, gram, grams                                | g      | g
kg          | mass   | 1000 * g                        | 千克, 公斤, kilogram, kilograms                | kg     | kg
t           | mass   | 1000000 * g                     | 吨, 公吨, tonne, tonnes, metric_ton, metricton | t      | t
kt          | mass   | 1000 * t                        | 千吨                                           | kt     | kt
!Mt         | mass   | 1000000 * t                     | 百万吨                                         | Mt     | Mt
!Gt         | mass   | 1000000000 * t                  | 十亿吨                                         | Gt     | Gt
lb          | mass   | 453.59237 * g                   | 磅, pound, pounds, lbs                         | 磅     | lb
short_ton   | mass   | 907184.74 * g                   | 短吨, shortton, shorttons, short_tons          | 短吨   | short ton
long_ton    | mass   | 1016046.9088 * g                | 长吨, longton, longtons, long_tons             | 长吨   | long ton
J           | energy | [energy]                        | 焦, 焦耳, joule, joules                        | J      | J
kJ          | energy | 1000 * J                        | 千焦, 千焦耳                                   | kJ     | kJ
MJ          | energy | 1000000 * J                     | 兆焦, 兆焦耳                                   | MJ     | MJ
GJ          | energy | 1000000000 * J                  | 吉焦, 吉焦耳, 百万千焦                         | GJ     | GJ
TJ          | energy | 1000 * GJ                       | 太焦, 太焦耳                                   | TJ     | TJ
PJ          | energy | 1000000 * GJ                    | 拍焦                                           | PJ     | PJ
EJ          | energy | 1000000000 * GJ                 | 艾焦                                           | EJ     | EJ
Wh          | energy | 3600 * J                        | 瓦时                                           | Wh     | Wh
kWh         | energy | 1000 * Wh                       | 千瓦时, 千瓦小时, 度, kilowatthour             | kWh    | kWh
MWh         | energy | 1000000 * Wh                    | 兆瓦时, 兆瓦小时, megawatthour                 | MWh    | MWh
GWh         | energy | 1000 * MWh                      | 吉瓦时, 吉瓦小时                               | GWh    | GWh
TWh         | energy | 1000000 * MWh                   | 太瓦时                                         | TWh    | TWh
cal         | energy | 4.1868 * J                      | 卡, calorie                                    | cal    | cal
kcal        | energy | 1000 * cal                      | 千卡, 大卡, kilocalorie                        | kcal   | kcal
!Mcal       | energy | 1000 * kcal                     | 兆卡                                           | Mcal   | Mcal
Gcal        | energy | 1000000 * kcal                  | 吉卡, 百万大卡                                 | Gcal   | Gcal
Btu         | energy | 1055.05585262 * J               | 英热单位                                       | Btu    | Btu
mmBtu       | energy | 1000000 * Btu                   | 百万英热单位                                   | mmBtu  | mmBtu
therm       | energy | 100000 * Btu                    | 撒姆, therms                                   | therm  | therm
W           | power  | J / second                      | 瓦                                             | W      | W
kW          | power  | 1000 * W                        | 千瓦                                           | kW     | kW
MW          | power  | 1000000 * W                     | 兆瓦                                           | MW     | MW
GW          | power  | 1000 * MW                       | 吉瓦                                           | GW     | GW
m3          | volume | meter ** 3                      | 立方米, 立方, 方, cubicmetre, cubicmetres, cubicmeter, cubicmeters, m^3, cbm | m³ | m³
L           | volume | m3 / 1000                       | 升, litre, litres, liter, liters               | L      | L
!mL         | volume | m3 / 1000000                    | 毫升                                           | mL     | mL
bbl         | volume | 0.158987294928 * m3             | 桶, barrel, barrels                            | 桶     | bbl
gal         | volume | 0.003785411784 * m3             | 加仑, gallon, gallons                          | 加仑   | US gal
ft3         | volume | 0.028316846592 * m3             | 立方英尺, cubicfeet, cubicfoot, ft^3, cf       | ft³    | ft³
Nm3         | gas    | basis_normal * m3                     | 标准立方米, 标立方米, 标立方, 标方, Nm^3       | Nm³    | Nm³
m3_20C      | gas    | 273.15 / 293.15 * Nm3           | m3(20℃), m3(20°C), 立方米(20℃), 立方米(20°C)   | m³(20 ℃) | m³ (20 °C)
Sm3         | gas    | 273.15 / 288.15 * Nm3           | m3(15℃), m3(15°C)                              | m³(15 ℃) | Sm³
scf         | gas    | 0.028316846592 * 273.15 * 1.8 / 519.67 * 101.559774899 / 101.325 * Nm3 | 标准立方英尺  | scf    | scf
Mcf         | gas    | 1000 * scf                      | 千标准立方英尺                                 | Mcf    | Mcf
MMcf        | gas    | 1000000 * scf                   | 百万标准立方英尺                               | MMcf   | MMcf
m           | length | meter                           | 米, metre, metres                              | m      | m
km          | length | 1000 * meter                    | 千米, 公里                                     | km     | km
!mm         | length | meter / 1000                    | 毫米                                           | mm     | mm
m2          | area   | meter ** 2                      | 平方米, 平米, m^2                              | m²     | m²
km2         | area   | 1000000 * m2                    | 平方千米, 平方公里, km^2                       | km²    | km²
ha          | area   | 10000 * m2                      | 公顷, hectare, hectares                        | 公顷   | ha
mu          | area   | 2000 / 3 * m2                   | 亩                                             | 亩     | mu
s           | time   | second                          | 秒, second, seconds                            | s      | s
min         | time   | 60 * second                     | 分钟, minute, minutes                          | min    | min
h           | time   | 3600 * second                   | 小时, 时, hour, hours, hr                      | h      | h
d           | time   | 86400 * second                  | 日, 天, day, days                              | d      | d
a           | year   | [year]                          | 年, year, years, yr                            | a      | a
Pa          | pressure | [pressure]                    | 帕                                             | Pa     | Pa
kPa         | pressure | 1000 * Pa                     | 千帕                                           | kPa    | kPa
MPa         | pressure | 1000000 * Pa                  | 兆帕                                           | MPa    | MPa
bar         | pressure | 100000 * Pa                   | 巴                                             | bar    | bar
tkm         | transport | t * km                       | 吨公里, 吨千米, tonnekm                        | t·km   | t·km
pkm         | transport | person * km                  | 人公里, 人千米                                 | 人·km  | person·km
vkm         | transport | vehicle * km                 | 车公里, 车千米                                 | 车·km  | vehicle·km
CNY         | money  | [money_CNY]                     | 元, 人民币, 人民币元, RMB, yuan, ¥             | 元     | CNY
EUR         | money  | [money_EUR]                     | 欧元, euro, €                                  | 欧元   | EUR
USD         | money  | [money_USD]                     | 美元, dollar, $                                | 美元   | USD
person      | count  | [person]                        | 人, 人员, persons, people, capita              | 人     | person
household   | count  | [household]                     | 户, households                                 | 户     | household
piece       | count  | [piece]                         | 个, 件, 台, 套, 只, 台套, pieces, item, items | 个 | piece
vehicle     | count  | [vehicle]                       | 辆, 车, 车辆, vehicles                            | 辆     | vehicle
1           | ratio  | 1                               | 无量纲, ratio, dimensionless, -                | 1      | 1
%           | ratio  | 1 / 100                         | 百分比, percent, pct                           | %      | %
‰           | ratio  | 1 / 1000                        | 千分比, permille                               | ‰      | ‰
ppm         | ratio  | 1 / 1000000                     | 百万分率                                       | ppm    | ppm
"""  # noqa: E501
"""One unit a line; `!` before the id: read only in exactly this case (MT may mean metric ton, not megatonne).

scf and Mcf: gas at 60 °F (519.67 °R) and 14.73 psia (101.559774899 kPa) as an ideal gas to 0 °C and 101.325 kPa.
m3_20C and Sm3: gas at 20 °C and 15 °C and 101.325 kPa. A year is not converted to days: the years differ.
"""

BASIS_TABLE = """
# id        | families             | spellings                                                          | zh            | en
_LHV        | energy power         | LHV, NCV, net, netCV, 低位, 低位热值, 低位发热量, 净发热量         | (低位)        | (LHV)
_HHV        | energy power         | HHV, GCV, gross, grossCV, 高位, 高位热值, 高位发热量, 总发热量     | (高位)        | (HHV)
_cumulated  | energy volume gas mass | cumulated, cumulative, 累计, 累积                                | (累计)        | (cumulated)
_dry        | mass                 | dry, 干, 干基, 干重, 绝干                                          | (干基)        | (dry)
_wet        | mass                 | wet, 湿, 湿基, 湿重                                                | (湿基)        | (wet)
ce          | mass                 | 标准煤, 标煤                                                       | ce            | ce
ce_eq       | mass                 | 标准煤等价, 标煤等价, 标准煤等价值, ce等价, ce等价值, ceequivalent             | ce(等价)      | ce (equivalent)
ce_cal      | mass                 | 标准煤当量, 标煤当量, 标准煤当量值, ce当量, ce当量值, cecalorific             | ce(当量)      | ce (calorific)
CO2         | mass                 | 二氧化碳                                                           | CO₂           | CO₂
CO2e        | mass                 | CO2eq, CO2-eq, CO2-e, CO2当量, 二氧化碳当量                        | CO₂e          | CO₂e
SO2e        | mass                 | SO2eq, SO2-eq, SO2-e, SO2当量, 二氧化硫当量                        | SO₂e          | SO₂e
PO4e        | mass                 | PO4eq, PO4-eq, PO4-e, PO4当量, 磷酸根当量                          | PO₄e          | PO₄e
NMVOCe      | mass                 | NMVOCeq, NMVOC-eq, NMVOC-e, NMVOC当量                              | NMVOCe        | NMVOCe
PM10e       | mass                 | PM10eq, PM10-eq, PM10-e, PM10当量                                  | PM10e         | PM10e
CH4         | mass                 | 甲烷                                                               | CH₄           | CH₄
N2O         | mass                 | 氧化亚氮                                                           | N₂O           | N₂O
SF6         | mass                 | 六氟化硫                                                           | SF₆           | SF₆
NF3         | mass                 | 三氟化氮                                                           | NF₃           | NF₃
CF4         | mass                 | PFC-14                                                             | CF₄           | CF₄
C2F6        | mass                 | PFC-116                                                            | C₂F₆          | C₂F₆
C3F8        | mass                 | PFC-218                                                            | C₃F₈          | C₃F₈
C4F10       | mass                 |                                                                    | C₄F₁₀         | C₄F₁₀
C5F12       | mass                 |                                                                    | C₅F₁₂         | C₅F₁₂
C6F14       | mass                 |                                                                    | C₆F₁₄         | C₆F₁₄
c-C4F8      | mass                 | cC4F8, PFC-318                                                     | c-C₄F₈        | c-C₄F₈
HFC-23      | mass                 | HFC23, R23                                                         | HFC-23        | HFC-23
HFC-32      | mass                 | HFC32, R32                                                         | HFC-32        | HFC-32
HFC-41      | mass                 | HFC41                                                              | HFC-41        | HFC-41
HFC-43-10mee | mass                | HFC4310mee                                                         | HFC-43-10mee  | HFC-43-10mee
HFC-125     | mass                 | HFC125, R125                                                       | HFC-125       | HFC-125
HFC-134     | mass                 | HFC134, R134                                                       | HFC-134       | HFC-134
HFC-134a    | mass                 | HFC134a, R134a                                                     | HFC-134a      | HFC-134a
HFC-143     | mass                 | HFC143, R143                                                       | HFC-143       | HFC-143
HFC-143a    | mass                 | HFC143a, R143a                                                     | HFC-143a      | HFC-143a
HFC-152     | mass                 | HFC152                                                             | HFC-152       | HFC-152
HFC-152a    | mass                 | HFC152a, R152a                                                     | HFC-152a      | HFC-152a
HFC-227ea   | mass                 | HFC227ea, R227ea                                                   | HFC-227ea     | HFC-227ea
HFC-236fa   | mass                 | HFC236fa                                                           | HFC-236fa     | HFC-236fa
HFC-245fa   | mass                 | HFC245fa                                                           | HFC-245fa     | HFC-245fa
HFC-365mfc  | mass                 | HFC365mfc                                                          | HFC-365mfc    | HFC-365mfc
HCFC-22     | mass                 | HCFC22, R22                                                        | HCFC-22       | HCFC-22
HFC-161     | mass                 | HFC161                                                             | HFC-161       | HFC-161
HFC-236cb   | mass                 | HFC236cb                                                           | HFC-236cb     | HFC-236cb
HFC-236ea   | mass                 | HFC236ea                                                           | HFC-236ea     | HFC-236ea
HFC-245ca   | mass                 | HFC245ca                                                           | HFC-245ca     | HFC-245ca
c-C3F6      | mass                 |                                                                    | c-C₃F₆        | c-C₃F₆
C7F16       | mass                 |                                                                    | C₇F₁₆         | C₇F₁₆
C8F18       | mass                 |                                                                    | C₈F₁₈         | C₈F₁₈
C10F18      | mass                 |                                                                    | C₁₀F₁₈        | C₁₀F₁₈
CFC-11      | mass                 | CFC11                                                              | CFC-11        | CFC-11
CFC-12      | mass                 | CFC12                                                              | CFC-12        | CFC-12
CFC-13      | mass                 | CFC13                                                              | CFC-13        | CFC-13
CFC-113     | mass                 | CFC113                                                             | CFC-113       | CFC-113
CFC-114     | mass                 | CFC114                                                             | CFC-114       | CFC-114
CFC-115     | mass                 | CFC115                                                             | CFC-115       | CFC-115
HCFC-21     | mass                 | HCFC21                                                             | HCFC-21       | HCFC-21
HCFC-123    | mass                 | HCFC123                                                            | HCFC-123      | HCFC-123
HCFC-124    | mass                 | HCFC124                                                            | HCFC-124      | HCFC-124
HCFC-141b   | mass                 | HCFC141b                                                           | HCFC-141b     | HCFC-141b
HCFC-142b   | mass                 | HCFC142b                                                           | HCFC-142b     | HCFC-142b
HCFC-225ca  | mass                 | HCFC225ca                                                          | HCFC-225ca    | HCFC-225ca
HCFC-225cb  | mass                 | HCFC225cb                                                          | HCFC-225cb    | HCFC-225cb
Halon-1201  | mass                 |                                                                    | Halon-1201    | Halon-1201
Halon-1202  | mass                 |                                                                    | Halon-1202    | Halon-1202
Halon-1211  | mass                 |                                                                    | Halon-1211    | Halon-1211
Halon-1301  | mass                 |                                                                    | Halon-1301    | Halon-1301
Halon-2402  | mass                 |                                                                    | Halon-2402    | Halon-2402
CCl4        | mass                 |                                                                    | CCl₄          | CCl₄
CH3CCl3     | mass                 |                                                                    | CH₃CCl₃       | CH₃CCl₃
CH3Br       | mass                 |                                                                    | CH₃Br         | CH₃Br
CH3Cl       | mass                 |                                                                    | CH₃Cl         | CH₃Cl
CH2Cl2      | mass                 |                                                                    | CH₂Cl₂        | CH₂Cl₂
CHCl3       | mass                 |                                                                    | CHCl₃         | CHCl₃
SF5CF3      | mass                 |                                                                    | SF₅CF₃        | SF₅CF₃
SO2F2       | mass                 |                                                                    | SO₂F₂         | SO₂F₂
HFE-125     | mass                 | HFE125                                                             | HFE-125       | HFE-125
HFE-134     | mass                 | HFE134                                                             | HFE-134       | HFE-134
HFE-143a    | mass                 | HFE143a                                                            | HFE-143a      | HFE-143a
HFE-227ea   | mass                 | HFE227ea                                                           | HFE-227ea     | HFE-227ea
HFE-236ca12 | mass                 | HFE236ca12                                                         | HFE-236ca12   | HFE-236ca12
HFE-236ea2  | mass                 | HFE236ea2                                                          | HFE-236ea2    | HFE-236ea2
HFE-236fa   | mass                 | HFE236fa                                                           | HFE-236fa     | HFE-236fa
HFE-245cb2  | mass                 | HFE245cb2                                                          | HFE-245cb2    | HFE-245cb2
HFE-245fa1  | mass                 | HFE245fa1                                                          | HFE-245fa1    | HFE-245fa1
HFE-245fa2  | mass                 | HFE245fa2                                                          | HFE-245fa2    | HFE-245fa2
HFE-263fb2  | mass                 | HFE263fb2                                                          | HFE-263fb2    | HFE-263fb2
HFE-329mcc2 | mass                 | HFE329mcc2                                                         | HFE-329mcc2   | HFE-329mcc2
HFE-338mcf2 | mass                 | HFE338mcf2                                                         | HFE-338mcf2   | HFE-338mcf2
HFE-338pcc13 | mass                 | HFE338pcc13                                                        | HFE-338pcc13  | HFE-338pcc13
HFE-347mcc3 | mass                 | HFE347mcc3                                                         | HFE-347mcc3   | HFE-347mcc3
HFE-347mcf2 | mass                 | HFE347mcf2                                                         | HFE-347mcf2   | HFE-347mcf2
HFE-347pcf2 | mass                 | HFE347pcf2                                                         | HFE-347pcf2   | HFE-347pcf2
HFE-356mec3 | mass                 | HFE356mec3                                                         | HFE-356mec3   | HFE-356mec3
HFE-356pcc3 | mass                 | HFE356pcc3                                                         | HFE-356pcc3   | HFE-356pcc3
HFE-356pcf2 | mass                 | HFE356pcf2                                                         | HFE-356pcf2   | HFE-356pcf2
HFE-356pcf3 | mass                 | HFE356pcf3                                                         | HFE-356pcf3   | HFE-356pcf3
HFE-365mcf3 | mass                 | HFE365mcf3                                                         | HFE-365mcf3   | HFE-365mcf3
HFE-374pc2  | mass                 | HFE374pc2                                                          | HFE-374pc2    | HFE-374pc2
HFE-569sf2  | mass                 | HFE569sf2                                                          | HFE-569sf2    | HFE-569sf2
HFE-43-10pccc124 | mass                 | HFE43-10pccc124                                                    | HFE-43-10pccc124 | HFE-43-10pccc124
HCFE-235da2 | mass                 | HCFE235da2                                                         | HCFE-235da2   | HCFE-235da2
PFPMIE      | mass                 |                                                                    | PFPMIE        | PFPMIE
SO2         | mass                 | 二氧化硫                                                           | SO₂           | SO₂
NOx         | mass                 | 氮氧化物                                                           | NOₓ           | NOₓ
PM          | mass                 | 颗粒物                                                             | 颗粒物        | PM
VOC         | mass                 | VOCs, 挥发性有机物                                                 | VOC           | VOC
NH3         | mass                 | 氨                                                                 | NH₃           | NH₃
COD         | mass                 | 化学需氧量                                                         | COD           | COD
BOD         | mass                 | BOD5, 生化需氧量                                                   | BOD           | BOD
!C          | mass                 | 碳                                                                 | C             | C
!N          | mass                 | 氮                                                                 | N             | N
!S          | mass                 | 硫                                                                 | S             | S
!P          | mass                 | 磷                                                                 | P             | P
!Cl         | mass                 | 氯                                                                 | Cl            | Cl
!Hg         | mass                 | 汞                                                                 | Hg            | Hg
!Pb         | mass                 | 铅                                                                 | Pb            | Pb
!Cd         | mass                 | 镉                                                                 | Cd            | Cd
!Cr         | mass                 | 铬                                                                 | Cr            | Cr
!As         | mass                 | 砷                                                                 | As            | As
!Cu         | mass                 | 铜                                                                 | Cu            | Cu
!Zn         | mass                 | 锌                                                                 | Zn            | Zn
!Ni         | mass                 | 镍                                                                 | Ni            | Ni
"""  # noqa: E501
"""One basis a line, with the families of units that it can be appended to; `!` as above.

`ce` is standard coal without its kind, `ce_eq` 等价 (what its generation took), `ce_cal` 当量 (what it contains).
"""

MULTIPLIER_TABLE = """
# id   | exponent | spellings                  | zh  | en
10^3   | 3        | 千, thousand               | 10³ | 10³
万     | 4        | wan                        | 万  | 10⁴
10^6   | 6        | 百万, million              | 10⁶ | 10⁶
10^7   | 7        | 千万                       | 10⁷ | 10⁷
亿     | 8        |                            | 亿  | 10⁸
10^9   | 9        | 十亿, billion              | 10⁹ | 10⁹
10^12  | 12       | 万亿, trillion             | 10¹² | 10¹²
"""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit: its id, family, definition in the registry's terms, further spellings and the two display forms."""

    id: str
    family: str
    definition: str
    spellings: tuple[str, ...]
    zh: str
    en: str
    exact: bool


@dataclass(frozen=True, slots=True)
class BasisRow:
    """One basis: the suffix that it adds to a unit of one of its families, further spellings and display forms."""

    id: str
    families: tuple[str, ...]
    spellings: tuple[str, ...]
    zh: str
    en: str
    exact: bool

    @property
    def dimension(self) -> str:
        """Name of the registry's dimension for this basis."""
        return "basis_" + "".join(letter if letter.isalnum() else "_" for letter in self.id.lstrip("_"))


@dataclass(frozen=True, slots=True)
class MultiplierRow:
    """A power of ten written before a unit."""

    id: str
    exponent: int
    spellings: tuple[str, ...]
    zh: str
    en: str


def _rows(table: str) -> list[list[str]]:
    lines = (line for line in table.splitlines() if line.strip() and not line.startswith("#"))
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def _spellings(name: str, cell: str) -> tuple[str, ...]:
    return (name, *(spelling.strip() for spelling in cell.split(",") if spelling.strip()))


@cache
def unit_rows() -> dict[str, UnitRow]:
    """All units by id."""
    rows = [
        UnitRow(name.lstrip("!"), family, definition, _spellings(name.lstrip("!"), spellings), zh, en, name[0] == "!")
        for name, family, definition, spellings, zh, en in _rows(UNIT_TABLE)
    ]
    return {row.id: row for row in rows}


@cache
def basis_rows() -> dict[str, BasisRow]:
    """All bases by id."""
    rows = [
        BasisRow(
            name.lstrip("!"), tuple(families.split()), _spellings(name.lstrip("!"), spellings), zh, en, name[0] == "!"
        )
        for name, families, spellings, zh, en in _rows(BASIS_TABLE)
    ]
    return {row.id: row for row in rows}


@cache
def multiplier_rows() -> dict[str, MultiplierRow]:
    """All multipliers by id."""
    rows = [
        MultiplierRow(name, int(exponent), _spellings(name, spellings), zh, en)
        for name, exponent, spellings, zh, en in _rows(MULTIPLIER_TABLE)
    ]
    return {row.id: row for row in rows}
