"""Plain INSERT, UPDATE and DELETE statements with their values in them."""


class Raw(str):
    """SQL text that is not quoted."""


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"


def insert(table, **values):
    columns = ", ".join(values)
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(map(literal, values.values()))})"


def update(table, where, **values):
    sets = ", ".join(f"{k} = {literal(v)}" for k, v in values.items())
    return f"UPDATE {table} SET {sets} WHERE {_where(where)}"


def delete(table, **where):
    return f"DELETE FROM {table} WHERE {_where(where)}"


def _where(where):
    return " AND ".join(f"{k} = {literal(v)}" for k, v in where.items())
