import pytest
@pytest.mark.django_db
def test_x(login):
    c=login("hr.view_company")
    for b in ("{", "", "[]", "{}", "[1]"):
        for d in ("Employee","Nothing"):
            r=c.update(d,b); print(repr(b), d, r.status_code, r.content[:90])
    for path in ("Employee(1)","Employee/salary","Employee?$method=validate", "Employee(1)?$method=delete", "Employee?$method=delete","Employee(1,2)?$method=delete"):
        for d in ("Employee","Nothing"):
            r=c.rest("POST",path.replace("Employee",d),"{}"); print(path, d, r.status_code, r.content[:90])
