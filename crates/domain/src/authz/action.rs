//! Everything that can be asked for, one word each.

use crate::registry::words;

words! {
    /// An action. Text form: what it is about, and the verb.
    Action {
        /// Read registers, catalogue and calendars.
        RegistryRead = "registry.read", "查看基础登记";
        /// Import registers, catalogue, approvals, work and outages.
        RegistryImport = "registry.import", "导入基础数据";
        /// Read contracts and prices.
        PriceRead = "price.read", "查看合同与价格";
        /// Prepare a version of prices.
        PricePrepare = "price.prepare", "编制价格";
        /// Put a version of prices in force.
        PriceAuthorise = "price.authorise", "批准价格";
        /// Read nodes and their state.
        NodeRead = "node.read", "查看云节点";
        /// Add and change nodes.
        NodeWrite = "node.write", "维护云节点";
        /// Collect from nodes.
        NodeCollect = "node.collect", "采集云节点";
        /// Read what exists.
        InventoryRead = "inventory.read", "查看资源清单";
        /// Read a month: metering, charges, differences.
        MonthRead = "month.read", "查看月度计量与费用";
        /// Meter, rate and reconcile a month.
        MonthRun = "month.run", "计量计费与对账";
        /// Close a month.
        MonthClose = "month.close", "月度关账";
        /// Rate a closed month again.
        MonthRerate = "month.rerate", "重新计费";
        /// Hand in a provider's bill.
        BillSubmit = "bill.submit", "提交账单";
        /// Record a provider's answer to a difference.
        BillAnswer = "bill.answer", "答复差异";
        /// Read statements.
        StatementRead = "statement.read", "查看结算单";
        /// Give an opinion on a statement.
        StatementAdvance = "statement.advance", "办理结算单";
        /// Export charges.
        ChargesExport = "charges.export", "导出费用明细";
        /// Read cases.
        CaseRead = "case.read", "查看待核事项";
        /// Settle a case.
        CaseSettle = "case.settle", "办结待核事项";
        /// Read the audit chain.
        AuditRead = "audit.read", "查看审计记录";
        /// Verify and seal the audit chain.
        AuditSeal = "audit.seal", "校验与封存审计链";
        /// Read accounts.
        AccountRead = "account.read", "查看账号";
        /// Make, disable and unlock accounts.
        AccountWrite = "account.write", "维护账号";
        /// Propose roles.
        RolePropose = "role.propose", "提出角色授予";
        /// Approve roles.
        RoleApprove = "role.approve", "批准角色授予";
        /// Release a new way into an account that was in use, and clear lost one-time codes.
        AccountRelease = "account.release", "放行新的登录方式与清除动态口令";
        /// End sessions and tokens of others.
        SessionRevoke = "session.revoke", "注销会话与令牌";
        /// Make and end one's own tokens.
        TokenWrite = "token.write", "维护本人令牌";
        /// Write an application.
        RequestWrite = "request.write", "填写申请";
        /// Read applications.
        RequestRead = "request.read", "查看申请";
        /// Hand an application in, or take it back.
        RequestSubmit = "request.submit", "提交或撤回申请";
        /// Decide on an application, or pass the task on.
        RequestDecide = "request.decide", "审批申请";
        /// Urge the people who have the task.
        RequestUrge = "request.urge", "催办";
        /// Record an expert review.
        ReviewRecord = "review.record", "登记专家论证";
        /// Offer a price for an application.
        OfferMake = "offer.make", "报价";
        /// Choose the provider.
        ProviderChoose = "order.choose_provider", "选定云服务商";
        /// Read orders.
        OrderRead = "order.read", "查看工单";
        /// Open, change or release by order.
        OrderCarryOut = "order.carry_out", "办理工单";
        /// Refuse an order, with a reason.
        OrderRefuse = "order.refuse", "拒绝工单";
        /// Hand in evidence.
        EvidenceWrite = "evidence.write", "上传凭证";
        /// Confirm a trial.
        TrialConfirm = "trial.confirm", "试运行确认";
        /// Propose to take resources back.
        ReclaimPropose = "reclaim.propose", "提出回收";
        /// Answer such a proposal.
        ReclaimReply = "reclaim.reply", "答复回收";
        /// Confirm that data was erased.
        ErasureConfirm = "erasure.confirm", "确认数据清除";
        /// Read quotas, budgets and ceilings.
        LimitRead = "limit.read", "查看配额与预算";
        /// Set them.
        LimitWrite = "limit.write", "设定配额与预算";
        /// Read jobs.
        JobRead = "job.read", "查看后台任务";
        /// Cancel or retry jobs.
        JobWrite = "job.write", "取消或重试后台任务";
        /// Read one's messages and tasks.
        MessageRead = "message.read", "查看消息与待办";
        /// Say that one is away, and who acts meanwhile.
        AbsenceWrite = "absence.write", "登记本人外出";
        /// Set up webhooks.
        WebhookWrite = "webhook.write", "维护回调地址";
    }
}

words! {
    /// Who an action is for, whatever roles the policies name.
    ActionGroup {
        /// The sides of the government cloud; never the three administrators.
        Business = "business", "业务";
        /// The three administrators; never the others.
        Administration = "administration", "三员";
        /// Both.
        Shared = "shared", "共用";
    }
}

impl Action {
    /// Its group.
    pub const fn group(self) -> ActionGroup {
        match self {
            Self::AuditRead
            | Self::AuditSeal
            | Self::AccountRead
            | Self::AccountWrite
            | Self::RolePropose
            | Self::RoleApprove
            | Self::AccountRelease
            | Self::SessionRevoke
            | Self::WebhookWrite => ActionGroup::Administration,
            Self::RegistryRead | Self::JobRead | Self::JobWrite | Self::MessageRead | Self::TokenWrite => {
                ActionGroup::Shared
            }
            _ => ActionGroup::Business,
        }
    }
}
