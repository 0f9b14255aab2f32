//! Roles, by the side of the government cloud they belong to.

use crate::registry::{Side, words};

words! {
    /// What somebody is in an organisation. Text form: side and role.
    Role {
        /// Writes applications for the unit's systems.
        UnitApplicant = "unit.applicant", "使用单位经办人";
        /// Decides for the unit.
        UnitHead = "unit.head", "使用单位负责人";
        /// Accepts what was opened, and sees what was erased.
        UnitAcceptor = "unit.acceptor", "使用单位验收人";
        /// Checks the form of applications and takes them in.
        AuthorityIntake = "authority.intake", "主管部门初审";
        /// Reviews whether what is asked for is needed and fits.
        AuthorityTechnical = "authority.technical", "主管部门技术审核";
        /// Decides for the authority.
        AuthorityLeader = "authority.leader", "主管部门分管领导";
        /// Convenes expert reviews and records them.
        ExpertSecretary = "authority.expert_secretary", "专家论证秘书";
        /// Keeps registers, contracts, prices, quotas and months.
        AuthorityOperations = "authority.operations", "主管部门运营管理";
        /// Budgets and settlements on the authority's side.
        AuthorityFinance = "authority.finance_officer", "主管部门结算经办";
        /// Opens and releases at the provider.
        ProviderOperator = "provider.operator", "云服务商运维";
        /// Speaks for the provider: offers, bills, confirmations.
        ProviderHead = "provider.head", "云服务商负责人";
        /// Verifies opening, release and utilisation.
        SupervisorEngineer = "supervisor.engineer", "监理工程师";
        /// Decides for the supervisor.
        SupervisorHead = "supervisor.head", "总监理工程师";
        /// Reviews prices and settlements.
        CostEngineer = "cost_assessor.engineer", "造价工程师";
        /// Budgets and payments.
        FinanceOfficer = "finance.officer", "财政经办";
        /// Appraises.
        EvaluatorReviewer = "evaluator.reviewer", "评估专员";
        /// Accounts, configuration, jobs.
        SystemAdmin = "admin.system", "系统管理员";
        /// Roles, tokens, policies.
        SecurityAdmin = "admin.security", "安全管理员";
        /// The audit chain.
        AuditAdmin = "admin.audit", "审计管理员";
    }
}

impl Role {
    /// The side whose organisations may have it; none for the three administrators, who stand outside business.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::UnitApplicant | Self::UnitHead | Self::UnitAcceptor => Some(Side::Unit),
            Self::AuthorityIntake
            | Self::AuthorityTechnical
            | Self::AuthorityLeader
            | Self::ExpertSecretary
            | Self::AuthorityOperations
            | Self::AuthorityFinance => Some(Side::Authority),
            Self::ProviderOperator | Self::ProviderHead => Some(Side::Provider),
            Self::SupervisorEngineer | Self::SupervisorHead => Some(Side::Supervisor),
            Self::CostEngineer => Some(Side::CostAssessor),
            Self::FinanceOfficer => Some(Side::Finance),
            Self::EvaluatorReviewer => Some(Side::Evaluator),
            Self::SystemAdmin | Self::SecurityAdmin | Self::AuditAdmin => None,
        }
    }

    /// Whether it is one of the three administrators (三员).
    pub const fn is_administrator(self) -> bool {
        self.side().is_none()
    }
}
