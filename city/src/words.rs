//! Invented names. No unit, system or company of this list exists; every name is marked as demo data.

use crate::dice::Dice;

/// What stands at the end of every name.
pub(crate) const DEMO: &str = "（演示）";
/// The city.
pub(crate) const CITY: &str = "春城市";

const FUNCTIONS: &[&str] = &[
    "教务统筹",
    "卫健服务",
    "城建管理",
    "交通运行",
    "水务调度",
    "园林养护",
    "市容环卫",
    "民政事务",
    "就业服务",
    "社保经办",
    "医保结算",
    "房产登记",
    "国土测绘",
    "环境监测",
    "应急指挥",
    "消防协调",
    "气象服务",
    "防灾减灾",
    "农情服务",
    "林草巡护",
    "粮储管理",
    "商贸流通",
    "市场监督",
    "食药检验",
    "质量计量",
    "知产服务",
    "文旅推广",
    "广电传播",
    "体育发展",
    "档案管理",
    "史志编纂",
    "统计调查",
    "审计核查",
    "税源协同",
    "国资监管",
    "金融服务",
    "投资促进",
    "外事联络",
    "侨务服务",
    "民族事务",
    "宗教事务",
    "司法服务",
    "公证法援",
    "信访接待",
    "机关保障",
    "人才服务",
    "科技创新",
    "工信促进",
    "能源协调",
    "邮政物流",
    "公园城市",
    "热线服务",
];

const SYSTEMS: &[&str] = &[
    "综合业务系统",
    "移动办事平台",
    "内部办公系统",
    "档案影像系统",
    "数据共享前置系统",
    "统计填报系统",
    "现场核查系统",
    "门户网站群",
    "预约服务系统",
    "指挥调度平台",
    "视频会商系统",
    "项目管理系统",
    "执法办案系统",
    "信用评价系统",
    "地图服务平台",
    "物联感知平台",
    "培训考试系统",
    "决策分析系统",
    "公文交换系统",
    "财务管理系统",
];

/// The name of the department with this number, from 0.
pub(crate) fn department(number: usize) -> String {
    let function = function(number);
    let round = number / FUNCTIONS.len();
    if round == 0 {
        format!("{CITY}{function}局{DEMO}")
    } else {
        format!("{CITY}{function}局第{}分局{DEMO}", round + 1)
    }
}

/// The name of the `number`th system of a department.
pub(crate) fn system(department: usize, number: usize) -> String {
    let kind = SYSTEMS
        .get((department + number * 7) % SYSTEMS.len())
        .copied()
        .unwrap_or_default();
    let round = number / SYSTEMS.len();
    let phase = if round == 0 {
        String::new()
    } else {
        format!("（第{}期）", round + 1)
    };
    format!("{}{kind}{phase}{DEMO}", function(department))
}

fn function(number: usize) -> &'static str {
    FUNCTIONS.get(number % FUNCTIONS.len()).copied().unwrap_or_default()
}

/// What people call a server.
pub(crate) fn server(dice: &mut Dice, number: usize) -> String {
    let role = dice.pick(&["web", "app", "db", "cache", "mq", "file", "gw", "job"]);
    format!("{role}-{number:04}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_marked_and_differ() {
        let departments: BTreeSet<_> = (0..200).map(department).collect();
        assert_eq!(departments.len(), 200);
        let systems: BTreeSet<_> = (0..52).flat_map(|d| (0..60).map(move |n| system(d, n))).collect();
        assert_eq!(systems.len(), 52 * 60);
        assert!(departments.iter().chain(&systems).all(|name| name.ends_with(DEMO)));
    }
}
