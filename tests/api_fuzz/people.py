"""Puts a small city into a fresh server over HTTP, and logs somebody in for every role.

Usage: people.py BASE_URL LINKS_FILE OUT_FILE
LINKS_FILE has the output of `yunheng account first`; OUT_FILE gets a line for each role: its word and its cookie.
"""

import base64
import hashlib
import itertools
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PASSWORD = "Chuncheng-2026-fuzz"
ROLES = {
    "BUREAU": [
        "authority.intake", "authority.technical", "authority.leader", "authority.expert_secretary",
        "authority.finance_officer", "authority.operations",
    ],
    "D01": ["unit.applicant", "unit.head", "unit.acceptor"],
    "D02": ["unit.applicant", "unit.head"],
    "P1": ["provider.operator", "provider.head"],
    "P2": ["provider.head"],
    "SUP": ["supervisor.engineer", "supervisor.head"],
    "COST": ["cost_assessor.engineer"],
    "FIN": ["finance.officer"],
    "EVAL": ["evaluator.reviewer"],
}
FILES = [
    ("organisations", "代码,名称,类别,生效日期\nD01,民政局,使用单位,2026-01-01\nD02,水务局,使用单位,2026-01-01\n"
     "P1,甲云公司,云服务商,2026-01-01\nP2,乙云公司,云服务商,2026-01-01\nSUP,监理公司,监理单位,2026-01-01\n"
     "COST,造价公司,造价评估机构,2026-01-01\nFIN,财政局,财政部门,2026-01-01\nEVAL,评估院,第三方评估机构,2026-01-01\n"),
    ("systems", "代码,名称,所属单位代码,等保级别,网络区域,状态,来源,生效日期\nS01,婚姻登记,D01,2,政务外网区,运行,新建系统,2026-01-01\n"
     "S02,水情监测,D02,2,政务外网区,运行,新建系统,2026-01-01\n"),
    ("catalogue", "代码,名称,层级,服务形式,资源类型,计量项,单位,计量依据,生效日期\n"
     "VCPU,云主机vCPU,infrastructure,shared_cloud,server,vcpu,核,allocated,2026-01-01\n"),
    ("contracts", "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,折算方式,对账容差（元）,依据,生效日期\n"
     "HT-1,合同一,P1,一期,一,2026-01-01,2029-01-01,按天,0,第八条,2026-01-01\n"),
    ("prices", "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n"
     "HT-1,1,2026-01-01,VCPU,flat,31,附件一,中标价,张三\n"),
]
KEYS = itertools.count()


class Server:
    """A server, and whoever is logged in."""

    def __init__(self, base):
        self.base, self.cookie = base, None

    def send(self, method, path, body=None, kind="application/json"):
        headers = {"X-Yunheng-Request": "1", "Idempotency-Key": f"people-{next(KEYS)}", "If-Match": '"1"'}
        if self.cookie:
            headers["Cookie"] = self.cookie
        data = None
        if isinstance(body, bytes):
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["Content-Digest"] = f"sha-256=:{digest}:"
            data = body
        elif body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
                return json.loads(text or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            if error.code == 429:
                # An address may log in so often only; the answer says how long to wait.
                time.sleep(int(error.headers["Retry-After"]) + 1)
                return self.send(method, path, body, kind)
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def log_in(self, login):
        self.cookie = None
        _, headers = self.send("POST", "/sessions", {"login": login, "password": PASSWORD})
        self.cookie = headers["Set-Cookie"].split(";")[0]
        return self.cookie


def main(base, links_file, out_file):
    server = Server(base + "/api/v1")
    secrets = re.findall(r"yhi_[A-Za-z0-9_-]+", open(links_file, encoding="utf-8").read())
    assert len(secrets) == 3, secrets
    for secret in secrets:
        server.send("POST", "/invitations/acceptance", {"secret": secret, "password": PASSWORD})
    found = {"admin.system": server.log_in("sysadmin")}
    found["admin.security"] = server.log_in("secadmin")
    found["admin.audit"] = server.log_in("auditadmin")

    def employ(organisation, role):
        login = f"{role}.{organisation}".lower().replace("_", "-")
        server.cookie = found["admin.system"]
        body = {"login": login, "name": login, "organisation": organisation, "sort": "person"}
        made, _ = server.send("POST", "/accounts", body)
        proposal, _ = server.send("POST", "/roles", {"account": made["id"], "role": role})
        server.cookie = found["admin.security"]
        server.send("POST", f"/roles/{proposal['number']}/decision", {"granted": True})
        server.cookie = None
        server.send("POST", "/invitations/acceptance", {"secret": made["secret"], "password": PASSWORD})
        found[f"{role}@{organisation}"] = server.log_in(login)

    employ("BUREAU", "authority.operations")
    for kind, text in FILES:
        name = urllib.parse.quote(f"{kind}.csv")
        server.send("POST", f"/imports/{kind}?name={name}", text.encode(), "text/csv")
    for organisation, roles in ROLES.items():
        for role in roles:
            if (organisation, role) != ("BUREAU", "authority.operations"):
                employ(organisation, role)
    server.cookie = found["unit.applicant@D01"]
    line = {"line": 1, "kind": "server", "class": "", "form": "shared_cloud", "pool": "xinchuang", "spec": {"vcpu": "4"},
            "count": 1, "purpose": "production", "until": None, "allocation": None}
    draft = {"kind": "new", "system": "S01", "reason": "扩容", "basis": "函〔2026〕1号", "contact": "王工", "lines": [line]}
    server.send("POST", "/requests", draft)
    with open(out_file, "w", encoding="utf-8") as out:
        out.writelines(f"{role} {cookie}\n" for role, cookie in found.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
